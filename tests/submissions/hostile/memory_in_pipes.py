"""Memory in the buffers of pipes, which no process owns."""
EXPECT = {"verdict": "passed", "score": 5.0}
# %%
import fcntl, os
kept = []
try:
    while True:
        reader, writer = os.pipe()
        kept.append((reader, writer))
        os.set_blocking(writer, False)
        try:
            fcntl.fcntl(writer, 1031, 1 << 20)
        except OSError:
            pass
        try:
            while True:
                os.write(writer, bytes(1 << 16))
        except BlockingIOError:
            pass
except OSError:
    pass
