"""Hands descriptors to the grading process with its answer."""

EXPECT = {"verdict": "failed", "score": 2.0}
# %%
import array, os, socket


def halve(x):
    end = socket.socket(fileno=os.dup(3))
    try:
        end.sendmsg([b""], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0, 1, 2]))])
    except OSError:
        pass
    return x
