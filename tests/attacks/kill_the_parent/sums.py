# tries: to kill the process that forked it
# stopped by: namespaces
# seen: failed, "parent 0"
# without: landlock, "stopped: PermissionError 1\b"

import os

from honest import *
from tools import tried


def double(x):
    parent = os.getppid()
    print("parent", parent)
    return tried(lambda: os.kill(parent, 0)) if parent else 0
