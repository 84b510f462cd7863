"""The sandbox's rules as data: what a student process sees, and which system calls it may not make."""

from __future__ import annotations

from typing import Final

HOME: Final = "/notebook"  # exists on no machine, so that it covers nothing
TMP: Final = "/tmp"  # noqa: S108 - the sandbox's own
SHARED_MEMORY: Final = "/dev/shm"  # noqa: S108 - as TMP
SCRATCH: Final = "/run/box"  # the one size-limited tmpfs behind HOME, /tmp and /dev/shm
DATA: Final = "/run/data"  # the assignment's files/, bound to HOME/files
HOSTNAME: Final = "notebook"
STUDENT_UID: Final = 1000  # inside a user namespace; root uses FIRST_UID + slot instead
FIRST_UID: Final = 61000
# The keeper's exit status when it ends a submission for what it uses.
EXIT_MEMORY: Final = 77
EXIT_CPU: Final = 78
EXIT_SCRATCH: Final = 79
EXIT_DEVICE: Final = 80  # the student process's own: a fault in a kernel breaks the GPU for the whole process
WATCHDOG_SECONDS: Final = 0.1
GRACE_SECONDS: Final = 2.0  # for a process that closed its socket to be found dead, before it is killed

# Whole folders of the system, read-only. Links (Debian's /bin -> usr/bin) are made again as links.
SYSTEM_FOLDERS: Final = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
SYSTEM_FILES: Final = (
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/fonts",
    "/etc/mime.types",
    "/etc/alternatives",
    "/sys/devices/system/cpu",  # torch's cpuinfo reads the processors' features here
)
# Not /dev/zero: mapped as shared, it is memory that no limit counts.
DEVICES: Final = ("/dev/null", "/dev/full", "/dev/random", "/dev/urandom")

ETC: Final = {
    "/etc/passwd": "root:x:0:0::/:/bin/false\nstudent:x:{uid}:{uid}::" + HOME + ":/bin/sh\n",
    "/etc/group": "root:x:0:\nstudent:x:{uid}:\n",
    "/etc/hosts": "127.0.0.1 localhost\n",
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
}

# What a process that computes on a GPU reads beside its device files.
GPU_FILES: Final = ("/sys/devices/system/node", "/sys/module/nvidia", "/sys/module/nvidia_uvm", "/proc/driver/nvidia")

ENVIRONMENT: Final = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "HOME": HOME,
    "USER": "student",
    "LANG": "C.UTF-8",
    "TMPDIR": TMP,
    "IPYTHONDIR": f"{TMP}/.ipython",
    "MPLBACKEND": "Agg",
    "MPLCONFIGDIR": f"{TMP}/.matplotlib",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PIP_NO_INDEX": "1",  # without a network, pip says so at once instead of after its retries
    "CUDA_VISIBLE_DEVICES": "",
    # One thread: numpy's and torch's pools must not exist when user namespaces are made and students forked.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}

# Refused with EPERM. Namespaces already take away what most of these reach; the list closes roads
# into the kernel that no notebook needs.
DENIED_SYSCALLS: Final = (
    "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp",
    "pidfd_open", "pidfd_getfd", "pidfd_send_signal",
    "mount", "umount", "umount2", "pivot_root", "chroot", "fsopen", "fsconfig", "fsmount", "fspick", "move_mount",
    "open_tree", "mount_setattr", "unshare", "setns", "swapon", "swapoff", "quotactl", "acct",
    "keyctl", "add_key", "request_key", "bpf", "perf_event_open", "userfaultfd",
    "io_uring_setup", "io_uring_enter", "io_uring_register",
    "open_by_handle_at", "name_to_handle_at", "fanotify_init", "lookup_dcookie",
    "init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot", "syslog",
    "iopl", "ioperm", "modify_ldt", "personality", "sethostname", "setdomainname",
    "settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "vhangup", "nfsservctl",
    "shmget", "shmat", "shmctl", "msgget", "msgsnd", "msgrcv", "semget", "semop", "semctl", "mq_open",
    "memfd_create", "memfd_secret", "landlock_create_ruleset", "vmsplice", "open_tree_attr", "lsm_set_self_attr",
)  # fmt: skip

# Younger than the libseccomp of the oldest system we run on; their numbers are the same on every architecture.
LATE_SYSCALLS: Final = {
    "process_madvise": 440, "mount_setattr": 442, "landlock_create_ruleset": 444, "memfd_secret": 447,
    "process_mrelease": 448, "fchmodat2": 452, "lsm_set_self_attr": 460, "setxattrat": 463, "removexattrat": 466,
    "open_tree_attr": 467, "file_setattr": 469,
}  # fmt: skip
UNKNOWN_SYSCALLS: Final = range(470, 512)  # what kernels will have that nobody has looked at yet: as if there were none

# Where no namespace keeps a student from other processes: refused as well.
DENIED_ALONE: Final = (
    "fork", "vfork", "socket", "connect", "bind", "listen", "accept", "accept4", "tkill", "truncate",
    "chown", "fchown", "lchown", "fchownat", "setxattr", "lsetxattr", "fsetxattr", "setxattrat",
    "removexattr", "lremovexattr", "fremovexattr", "removexattrat", "mknod", "mknodat", "file_setattr",
    "setpriority", "ioprio_set", "migrate_pages", "move_pages", "process_mrelease", "sched_setattr",
    "inotify_add_watch",
)  # fmt: skip
IGNORED_ALONE: Final = (
    "chmod", "fchmod", "fchmodat", "fchmodat2", "utime", "utimes", "utimensat", "futimesat",
)  # fmt: skip
OWN_ONLY: Final = ("kill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo")
ZERO_ONLY: Final = ("sched_setaffinity", "sched_setparam", "sched_setscheduler")
SET_OWNER: Final = (8, 15)  # F_SETOWN, F_SETOWN_EX: whom the kernel signals about a descriptor
SET_OWNER_BY_IOCTL: Final = (0x8901, 0x8902)  # FIOSETOWN, SIOCSPGRP: the same
ADDRESSING_SOCKETS: Final = (2, 3)  # datagram and raw: each message may go to another address
CLONE_THREAD: Final = 0x10000
# Of /proc, without a pid namespace: nothing about any process.
MACHINE_FILES: Final = ("/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/sys/vm/overcommit_memory")

SHARED_ANONYMOUS: Final = 0x21  # MAP_SHARED | MAP_ANONYMOUS: memory that outlives its mapping and that no limit counts
CLONE_NEW_FLAGS: Final = 0x7E020080  # every CLONE_NEW* flag: time, mount, cgroup, uts, ipc, user, pid, net

# Imported before the first student, so that no student pays for them.
PRELOADED: Final = (
    "numpy",
    "torch",
    "torch.nn.functional",
    "torch.nn.utils",
    "torch.utils.data",
    "torch.optim",
    "torch._dynamo",  # imported by the first optimizer step, 1.6 s late
    "torch.func",
    "torch.autograd.profiler_legacy",
    "matplotlib",
    "matplotlib.pyplot",
)
