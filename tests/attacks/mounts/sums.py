# tries: to mount, unmount and change the root
# stopped by: seccomp
# seen: failed, "stopped: PermissionError 1\b"
# without: namespaces, "stopped: PermissionError 1\b"

from honest import *
from tools import tried, syscall


def double(x):
    return tried(
        lambda: syscall("mount", b"none", b".", b"tmpfs", 0, 0),
        lambda: syscall("umount2", b".", 2),
        lambda: syscall("pivot_root", b".", b"."),
        lambda: syscall("chroot", b"."),
        lambda: syscall("fsopen", b"tmpfs", 0),
        lambda: syscall("open_tree", -100, b".", 1),
    )
