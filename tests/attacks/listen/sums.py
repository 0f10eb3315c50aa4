# tries: to listen on a port, for a friend outside
# stopped by: seccomp
# seen: failed, "stopped: PermissionError 1\b"
# without: landlock, "stopped: PermissionError 13"
# without seccomp, landlock: got in

import socket

from honest import *
from tools import tried


def double(x):
    def listen():
        line = socket.socket()
        line.bind(("127.0.0.1", 0))
        line.listen()
        return line.getsockname()

    return tried(listen)
