# tries: to be told by inotify when somebody reads the suite
# stopped by: seccomp
# seen: failed, "stopped: PermissionError 1\b"
# without: got in

from honest import *
from places import SUITE
from tools import tried, syscall


def double(x):
    def watch():
        fd = syscall("inotify_init1", 0)
        return syscall("inotify_add_watch", fd, SUITE.encode(), 0xFFF)

    return tried(watch)
