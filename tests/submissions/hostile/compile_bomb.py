"""Source that makes a parser or a compiler take all there is."""
EXPECT = {"verdict": "passed", "score": 5.0}
# %%
eval("-" * 100000 + "1")
# %%
eval("(" * 10000)
# %%
compile("a" + ".a" * 100000, "x", "eval")
# %%
exec("x = " + "[" * 90 + "]" * 90)
# %%
exec("class A" + ":\n" + "".join(" " * n + "if 1:\n" for n in range(1, 120)))
