# tries: to send a datagram
# stopped by: seccomp
# seen: failed, "stopped: PermissionError 1\b"
# without: namespaces, "stopped: OSError 101"
# without seccomp, namespaces: got in

import socket

from honest import *
from places import PORT
from tools import tried


def double(x):
    return tried(
        lambda: socket.socket(2, 2).sendto(b"x", ("127.0.0.1", PORT)),
    )
