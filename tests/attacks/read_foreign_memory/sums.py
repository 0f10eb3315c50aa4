# tries: to read the memory of another process
# stopped by: seccomp
# seen: failed, "stopped: PermissionError 1\b"
# without: namespaces, "stopped: ProcessLookupError 3"

import ctypes
import struct

from honest import *
from places import GRADER
from tools import tried, syscall


def double(x):
    local = (ctypes.c_char * 8)()
    vector = struct.pack("QQ", ctypes.addressof(local), 8)
    return tried(
        lambda: syscall("process_vm_readv", GRADER, vector, 1, vector, 1, 0),
        lambda: syscall("process_vm_writev", GRADER, vector, 1, vector, 1, 0),
    )
