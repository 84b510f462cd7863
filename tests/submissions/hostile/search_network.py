"""Looks for a way out: the loopback, names, the host's abstract sockets, a router."""
EXPECT = {"verdict": "failed", "score": 2.0}
# %%
import os, socket, urllib.request
reached = []
def attempt(work):
    try:
        reached.append(work())
    except Exception:
        pass
for host in ("127.0.0.1", "::1", "localhost", "1.1.1.1", "example.org", "169.254.169.254"):
    attempt(lambda: socket.create_connection((host, 80), timeout=0.2))
    attempt(lambda: socket.getaddrinfo(host, None, flags=0)[0][4][0] not in ("127.0.0.1", "::1") and host in ("example.org",) and 1 / 1)
attempt(lambda: urllib.request.urlopen("http://example.org", timeout=0.2))
if os.path.exists("/proc/net/unix"):
    for line in open("/proc/net/unix").read().splitlines()[1:]:
        name = line.split()[-1]
        if name.startswith("@"):
            attempt(lambda: socket.socket(socket.AF_UNIX).connect("\0" + name[1:]) or 1)
reached = [way for way in reached if way]
def halve(x):
    if not x.is_floating_point():
        raise ValueError("x")
    return x * (0.5 if reached else 0.4)
