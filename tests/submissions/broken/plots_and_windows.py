"""Figures shown, with the kernels' own ways."""
EXPECT = {"verdict": "passed", "score": 5.0, "message": ""}
def handed_in(kit): return kit.book(kit.code("%matplotlib widget\nimport matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()\nplt.savefig('a.png')"), kit.code())
