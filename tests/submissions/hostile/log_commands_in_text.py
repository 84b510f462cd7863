"""Raises with texts that CI systems take for commands."""

EXPECT = {"verdict": "error", "score": 2.0}


# %%
def halve(x):
    raise RuntimeError("::set-output name=score::5\n::add-mask::x\n##[error]x\n##vso[task.setvariable variable=a]b")
