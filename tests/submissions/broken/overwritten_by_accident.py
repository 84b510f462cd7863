"""A later scratch cell uses the function's name for a variable."""
EXPECT = {"verdict": "error", "score": 2.0, "message": ""}
def handed_in(kit):
    notebook = kit.answered()
    notebook["cells"].append(kit.code("halve = halve(torch.tensor([3.0])).item()"))
    return notebook
