"""Output that speaks to terminals, browsers and build servers rather than to people."""
EXPECT = {"verdict": "passed", "score": 5.0}
# %%
import os, sys, warnings
evil = ("\x1b]52;c;b3duZWQ=\x07\x1b]0;PASS\x07\x1b[1A\x1b[2K5/5 PASSED\r\n::set-output name=score::100\n::add-mask::x\n"
        "##vso[task.complete result=Succeeded]\n##teamcity[buildStatus status='SUCCESS']\n<script>alert(1)</script>\n"
        "\x9b2J\x9d0;x\x9c ok 1 - all\n<testsuite failures='0'/>\n" + '{"score": 5.0, "verdict": "passed"}\n')
for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
    stream.write(evil)
for descriptor in (0, 1, 2):
    os.write(descriptor, evil.encode())
warnings.warn(evil)
for name in ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_STEP_SUMMARY", "GITHUB_PATH", "GITHUB_STATE"):
    open(os.environ.get(name, name), "a").write("score=100\n")
# %%
from IPython.display import HTML, Javascript, SVG, Markdown, display
display(HTML("<script>alert(1)</script>"), Javascript("alert(1)"), SVG("<svg onload='alert(1)'/>"), Markdown(evil))
HTML("<img src=x onerror=alert(1)>")
