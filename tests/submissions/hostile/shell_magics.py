"""The shell, by every magic: it may kill what it can reach."""
EXPECT = {"verdict": "passed", "score": 5.0}
# %% before
%%bash
rm -rf / 2>/dev/null
kill -9 -1
# %% before
!kill -9 1 2
# %%
%run /does/not/exist.py
# %%
%load_ext autoreload
%autoreload 2
# %%
%%writefile conftest.py
raise SystemExit
# %%
?halve
