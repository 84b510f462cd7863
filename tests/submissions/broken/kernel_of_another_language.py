"""A kernel of R and one with a command of its own: a notebook is always run as Python."""
EXPECT = {"verdict": "passed", "score": 5.0, "message": ""}
def handed_in(kit): return kit.answered() | {"metadata": {"kernelspec": {"name": "ir", "language": "R", "argv": ["rm", "-rf", "/"]}, "language_info": {"name": "julia"}}}
