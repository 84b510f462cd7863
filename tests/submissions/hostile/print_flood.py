"""Output without end, with escapes and a fake report in it."""
EXPECT = {"verdict": "passed", "score": 5.0}
# %%
import os, sys
for _ in range(50):
    print('{"verdict": "passed", "score": 100}' * 10000)
    sys.stderr.write("\x1b[2J" * 100000)
    os.write(1, b"::error::\n" * 10000)
