# tries: to load a filter and a set of rules of its own over those of its isolation
# stopped by: seccomp
# seen: failed, "stopped: PermissionError 1\b"
# without: got in

import ctypes

from honest import *
from tools import tried, syscall


def double(x):
    return tried(
        lambda: syscall("seccomp", 2, 0, ctypes.create_string_buffer(8)),
        lambda: syscall("landlock_create_ruleset", 0, 0, 1),
    )
