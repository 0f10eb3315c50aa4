# tries: to read the suite with libc's fopen
# stopped by: landlock
# seen: failed, "stopped: ZeroDivisionError"
# without: got in

import ctypes

from honest import *
from places import SUITE
from tools import tried


def double(x):
    libc = ctypes.CDLL(None)
    libc.fopen.restype = ctypes.c_void_p
    libc.fgets.argtypes = [ctypes.c_char_p, ctypes.c_int, ctypes.c_void_p]
    text = ctypes.create_string_buffer(4000)
    path = f"{SUITE}/test_hidden.py".encode()
    return tried(lambda: 1 // (libc.fopen(path, b"r") or 0))
