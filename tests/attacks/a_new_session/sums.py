# tries: to leave its session, so that signals to it don't come
# stopped by: seccomp
# seen: failed, "stopped: PermissionError 1\b"
# without: got in

import os
import sys

from honest import *
from tools import tried, syscall


def double(x):
    pid = os.fork()
    if pid == 0:
        tried(lambda: syscall("setsid"))
        sys.stdout.flush()
        os._exit(0)
    os.waitpid(pid, 0)
    return 0
