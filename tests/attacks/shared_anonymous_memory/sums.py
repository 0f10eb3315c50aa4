# tries: to take shared memory, which no limit of memory counts
# stopped by: seccomp
# seen: failed, "stopped"
# without: got in

import mmap

from honest import *
from tools import tried


def double(x):
    return tried(
        lambda: mmap.mmap(-1, 2**30),
    )
