"""Fills its disk with bytes and names."""
EXPECT = {"verdict": "passed", "score": 5.0}
# %%
for number in range(10**6):
    open(f"{number}", "w").close()
# %%
import os
folder = "."
while True:
    folder = os.path.join(folder, "d" * 100)
    os.mkdir(folder, 0)
# %%
with open("big", "wb") as file:
    while True:
        file.write(bytes(1 << 20))
