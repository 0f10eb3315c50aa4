# tries: to connect to a port on this machine
# stopped by: seccomp
# seen: failed, "stopped: PermissionError 1\b"
# without: landlock, "stopped: PermissionError 13"
# without seccomp, landlock: namespaces, "stopped: OSError 101"
# without seccomp, namespaces, landlock: got in, "CANARY"

import socket

from honest import *
from places import PORT
from tools import tried


def double(x):
    return tried(
        lambda: socket.create_connection(("127.0.0.1", PORT), 1).recv(99),
    )
