"""Changes the flags and sizes of the socket it was given: the other end has its own."""
EXPECT = {"verdict": "passed", "score": 5.0}
# %%
import os, socket
mine = socket.socket(fileno=os.dup(3))
mine.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
mine.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
mine.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, bytes(16))
mine.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
os.set_inheritable(3, True)
