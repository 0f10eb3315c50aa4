# tries: to fill the disk with many files below the limit of one
# stopped by: namespaces
# seen: error, "OSError"
# without: got in

import os

from honest import *


def double(x):
    for i in range(5):
        with open(f"{i}", "wb") as file:
            os.posix_fallocate(file.fileno(), 0, 2**24)
    for i in range(5):
        os.unlink(f"{i}")
    print("GOT IN")
    return 0
