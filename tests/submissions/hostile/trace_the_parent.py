"""Reads and writes other processes by the calls that debuggers use, and its own memory by the kernel's file."""
EXPECT = {"verdict": "failed", "score": 2.0}
# %%
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
reached = []
for pid in (1, os.getppid(), 2 if os.getpid() != 2 else 1):
    reached += [libc.ptrace(16, pid, 0, 0) == 0, libc.process_vm_readv(pid, 0, 0, 0, 0, 0) > 0, libc.syscall(434, pid, 0) >= 0]
    reached.append(libc.prlimit(pid, 7, 0, bytes(16)) == 0 and pid != os.getpid())
own = ctypes.create_string_buffer(b"abc")
with open("/proc/self/mem", "r+b", 0) as memory:
    memory.seek(ctypes.addressof(own))
    memory.write(b"xyz")
def halve(x):
    if not x.is_floating_point():
        raise ValueError("x")
    return x * (0.5 if any(reached) else 0.4)
