# tries: to write a program, map it and run it
# stopped by: seccomp
# seen: failed, "stopped: PermissionError"
# without: got in

import os

from honest import *
from tools import tried


def double(x):
    with open("evil", "wb") as file:
        file.write(b"#!/bin/sh\necho GOT IN\n")
    return tried(lambda: os.chmod("evil", 0o777), lambda: os.execv("./evil", ["evil"]))
