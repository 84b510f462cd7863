"""Checks deleted and edited, points raised: tests and points are never taken from a submission."""
EXPECT = {"verdict": "failed", "score": 2.0, "message": ""}
def handed_in(kit):
    notebook = kit.answered(kit.WRONG_HALVE)
    kit.cell(notebook, "halve").update(source="assert True")
    kit.cell(notebook, "halve")["metadata"]["nbgrader"].update(points=1000, grade=False, locked=False)
    notebook["cells"].remove(kit.cell(notebook, "Halver"))
    notebook["cells"].append({**kit.cell(notebook, "halve"), "metadata": {"nbgrader": {"grade_id": "Halver", "points": 1e9, "grade": True}}})
    return notebook
