# tries: to write a file of 80 MiB
# stopped by: rlimits
# seen: error, "OSError"
# without: namespaces, "OSError"

import os

from honest import *


def double(x):
    with open("f", "wb") as file:
        os.posix_fallocate(file.fileno(), 0, 80 * 2**20)
    os.unlink("f")
    print("GOT IN")
    return 0
