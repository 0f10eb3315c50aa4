# tries: to open a file by its handle instead of its path
# stopped by: seccomp
# seen: failed, "stopped: PermissionError 1\b"
# without: got in

import struct

from honest import *
from places import SUITE
from tools import tried, syscall


def double(x):
    return tried(
        lambda: syscall(
            "name_to_handle_at",
            -100,
            SUITE.encode(),
            struct.pack("Ii", 128, 0) + bytes(128),
            bytes(8),
            0,
        ),
        lambda: syscall("open_by_handle_at", -100, bytes(128), 0),
    )
