# tries: to leave memory, messages and semaphores that outlive every process
# stopped by: seccomp
# seen: failed, "stopped: PermissionError 1\b"
# without: got in

from honest import *
from tools import tried, syscall


def double(x):
    return tried(
        lambda: syscall("shmctl", syscall("shmget", 0, 4096, 0o1600), 0, 0),
        lambda: syscall("msgctl", syscall("msgget", 0, 0o1600), 0, 0),
        lambda: syscall("semctl", syscall("semget", 0, 1, 0o1600), 0, 0),
    )
