"""Links, pipes, sockets and odd names wherever it can write, for whoever reads or writes there later."""
EXPECT = {"verdict": "passed", "score": 5.0}
# %%
import os, socket
for folder in (os.getcwd(), "/tmp", "/dev/shm", os.path.expanduser("~"), "/run", "/var/tmp", "/proc/self/cwd"):
    for name in ("results.json", "halving.ipynb", "halving.html", "conftest.py", "core", "a\nb", "\x1b[2J", "-rf", "..."):
        path = os.path.join(folder, name)
        for make in (lambda: os.symlink("/etc/passwd", path), lambda: os.mkfifo(path), lambda: os.link("/etc/hosts", path),
                     lambda: os.mknod(path, 0o20666, os.makedev(1, 8)), lambda: socket.socket(socket.AF_UNIX).bind(path)):
            try:
                make()
                os.rename(path, path + str(os.urandom(4).hex()))
            except OSError:
                pass
os.symlink("loop", "loop")
os.symlink("/", "root")
