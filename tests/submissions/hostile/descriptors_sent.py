"""Sends descriptors along with an answer, so that the other side holds files that it never opened."""
EXPECT = {"verdict": "protocol", "score": 2.0}
# %%
import array, os, socket
def halve(x):
    mine = socket.socket(fileno=os.dup(3))
    files = [os.open("/dev/null", os.O_RDONLY) for _ in range(100)]
    mine.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", files))])
    return x * 0.5
