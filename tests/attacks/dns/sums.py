# tries: to carry data away in the question for a name
# stopped by: seccomp
# seen: failed, "gaierror"
# without: namespaces, "gaierror"

import socket

from honest import *
from tools import tried


def double(x):
    return tried(
        lambda: socket.getaddrinfo("example.org", 80),
    )
