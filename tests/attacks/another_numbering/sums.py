# tries: to call the kernel by another architecture's numbers
# stopped by: seccomp
# seen: crashed, "SIGSYS|SIGTRAP"
# without: got in

import os
import ctypes
import mmap

from honest import *


def double(x):
    code = bytes.fromhex("000020d4" if os.uname().machine == "aarch64" else "b814000000cd80c3")
    page = mmap.mmap(-1, 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, prot=7)
    page.write(code)  # getpid of 32-bit x86, or a trap
    ctypes.CFUNCTYPE(None)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()
    print("GOT IN")
    return 0
