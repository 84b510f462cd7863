"""Magics and shell commands as notebooks have them: they run, or fail for their own cell only."""
EXPECT = {"verdict": "passed", "score": 5.0, "message": ""}
def handed_in(kit):
    cells = ("%matplotlib inline\n%config InlineBackend.figure_format = 'retina'", "!echo hello > out.txt; false", "%%bash\necho hello; exit 3", "%timeit -n1 -r1 1 + 1",
             "%%time\n1 + 1", "%pwd", "%cd /tmp", "files = !ls", "%who", "?print", "print?", "%lsmagic", "%env A=1", "%%capture out\nprint(1)", "%%html\n<b>x</b>", "%%javascript\nalert(1)")
    return kit.book(*map(kit.code, cells), kit.code())
