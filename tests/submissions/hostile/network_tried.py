"""Tries to reach the network on every road."""

EXPECT = {"verdict": "failed", "score": 2.0}
# %%
import socket, urllib.request


def halve(x):
    for where in (("1.1.1.1", 53), ("127.0.0.1", 22), ("::1", 22)):
        try:
            socket.create_connection(where, 0.2)
            return x * 0.5
        except OSError:
            pass
    try:
        urllib.request.urlopen("http://example.org", timeout=0.2)
        return x * 0.5
    except OSError:
        return x
