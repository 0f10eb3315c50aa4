# tries: to connect to a Unix socket with a path
# stopped by: seccomp
# seen: failed, "stopped: PermissionError 1\b"
# without: got in, "CANARY"

import socket

from honest import *
from places import SOCKET
from tools import tried


def double(x):
    def connect():
        line = socket.socket(socket.AF_UNIX)
        line.connect(SOCKET)
        return line.recv(99)

    return tried(connect)
