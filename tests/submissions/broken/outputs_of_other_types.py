"""Outputs that are a text, null, and of no known kind."""
EXPECT = {"verdict": "passed", "score": 5.0, "message": ""}
def handed_in(kit): return kit.book(kit.code("1", outputs="zzz"), kit.code("2", outputs=None), kit.code(outputs=[5, {"output_type": "quantum"}], execution_count="x"))
