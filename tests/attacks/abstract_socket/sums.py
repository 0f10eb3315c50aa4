# tries: to connect to a Unix socket without a path
# stopped by: seccomp
# seen: failed, "stopped: PermissionError 1\b"
# without: namespaces, "stopped: ConnectionRefusedError 111"
# without seccomp, namespaces: landlock, "stopped: PermissionError 1\b"
# without seccomp, namespaces, landlock: got in, "CANARY"

import socket

from honest import *
from places import MARK
from tools import tried


def double(x):
    def connect():
        line = socket.socket(socket.AF_UNIX)
        line.connect("\0" + MARK)
        return line.recv(99)

    return tried(connect)
