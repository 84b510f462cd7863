"""Makes the shared socket non-blocking and shuts one direction."""

EXPECT = {"verdict": "crashed", "score": 2.0}
# %%
import os, socket


def halve(x):
    os.set_blocking(3, False)
    socket.socket(fileno=os.dup(3)).shutdown(socket.SHUT_WR)
    return x * 0.5
