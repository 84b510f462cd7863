"""Terminal escapes, markup, workflow commands and a fake verdict in an exception's name and text."""
EXPECT = {"verdict": "error", "score": 2.0}
# %%
Loud = type("\x1b]0;owned\x07<script>", (Exception,), {})
def halve(x): raise Loud("\x1b[2J\x1b[1;1H::set-output name=score::100\n5/5 PASSED \u202e\u0000 {{7*7}} <img src=x onerror=alert(1)>")
