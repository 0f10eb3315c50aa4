# tries: to take memory that grows down, which no limit counts at once
# stopped by: seccomp
# seen: failed, "stopped"
# without: got in

import mmap

from honest import *
from tools import tried


def double(x):
    return tried(
        lambda: mmap.mmap(-1, 2**30, 0x122),
    )
