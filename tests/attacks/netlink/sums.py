# tries: to ask the kernel for its network and to listen to its events
# stopped by: seccomp
# seen: failed, "stopped: PermissionError 1\b"
# without: got in

import socket

from honest import *
from tools import tried


def double(x):
    return tried(
        lambda: socket.socket(16, 3, 0),
        lambda: socket.socket(17, 3, 0),
        lambda: socket.socket(38, 5, 0),
    )
