"""A thread writes frames into the socket all the time."""

EXPECT = {"verdict": "protocol", "score": [0.0, 2.0]}
# %%
import os, threading, time


def flood():
    while True:
        try:
            os.write(3, b"1RGA" + bytes(60))
        except OSError:
            return


def halve(x):
    threading.Thread(target=flood, daemon=True).start()
    time.sleep(0.5)
    return x * 0.5
