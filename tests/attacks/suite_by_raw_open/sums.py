# tries: to open the hidden suite by the system call itself, past Python's open
# stopped by: landlock
# seen: failed, "stopped: PermissionError 13"
# without: got in

import os

from honest import *
from places import SUITE
from tools import tried, syscall


def double(x):
    return tried(
        lambda: os.read(syscall("openat", -100, f"{SUITE}/test_hidden.py".encode(), 0), 9000),
    )
