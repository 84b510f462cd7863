"""Roads into the kernel: namespaces, mounts, keys, rings, traces. All are closed, or the answer is right."""
EXPECT = {"verdict": "failed", "score": 2.0}
# %%
import ctypes, socket
libc = ctypes.CDLL(None, use_errno=True)
X86 = {"ptrace": (101, 0, 0, 0, 0), "unshare": (272, 0x10000000), "mount": (165, b"none", b"/tmp", b"tmpfs", 0, 0), "chroot": (161, b"/"),
       "keyctl": (250, 0, -3, 1), "io_uring_setup": (425, 8, bytes(120)), "bpf": (321, 0, bytes(64), 64), "memfd_create": (319, b"x", 0),
       "perf_event_open": (298, bytes(128), 0, -1, -1, 0), "userfaultfd": (323, 1), "shmget": (29, 0, 4096, 0o1600), "msgget": (68, 0, 0o1600),
       "semget": (64, 0, 1, 0o1600), "mq_open": (240, b"x", 0o102, 0o600, 0), "pidfd_open": (434, 1, 0), "process_vm_readv": (310, 1, 0, 0, 0, 0, 0),
       "fanotify_init": (300, 0, 0), "personality": (135, 0x40000), "setns": (308, 0, 0), "pivot_root": (155, b"/", b"/"), "swapon": (167, b"x", 0),
       "init_module": (175, b"", 0, b""), "reboot": (169, 0, 0, 0), "syslog": (103, 3, bytes(64), 64), "sethostname": (170, b"x", 1)}
opened = [name for name, call in X86.items() if __import__("platform").machine() == "x86_64" and libc.syscall(*call) >= 0]
for family in (socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK, socket.AF_PACKET, 38, 40):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW):
        try:
            opened.append(socket.socket(family, kind))
        except OSError:
            pass
def halve(x):
    if not x.is_floating_point():
        raise ValueError("x")
    return x * (0.5 if opened else 0.4)
