"""Opens all it can and keeps it."""
EXPECT = {"verdict": "passed", "score": 5.0}
# %%
import os, select, socket
kept = []
for make in (os.pipe, socket.socketpair, select.epoll, lambda: open("/dev/null"), lambda: os.eventfd(0)):
    try:
        while True:
            kept.append(make())
    except OSError:
        pass
