# tries: to start a server process with sockets (multiprocessing)
# stopped by: seccomp
# seen: failed, "PermissionError"
# without: got in

import multiprocessing

from honest import *
from tools import tried


def double(x):
    return tried(
        lambda: multiprocessing.Manager(),
    )
