"""Running student code: the wire, the locked-down student process and what keeps it in."""
