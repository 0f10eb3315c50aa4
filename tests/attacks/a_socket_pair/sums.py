# tries: to make a pair of sockets
# stopped by: seccomp
# seen: failed, "stopped: PermissionError 1\b"
# without: got in

import socket

from honest import *
from tools import tried


def double(x):
    return tried(
        lambda: socket.socketpair(),
    )
