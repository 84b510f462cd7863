"""Closes one direction of its socket, then ends itself."""
EXPECT = {"verdict": "crashed", "score": 2.0}
# %%
import os, socket, time
def halve(x):
    socket.socket(fileno=os.dup(3)).shutdown(socket.SHUT_WR)
    os.kill(os.getpid(), 9)
