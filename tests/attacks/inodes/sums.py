# tries: to use up the disk's inodes
# stopped by: namespaces
# seen: error, "OSError"
# without: got in

import os

from honest import *


def double(x):
    for i in range(2000):
        open(f"{i}", "w").close()
    for i in range(2000):
        os.unlink(f"{i}")
    print("GOT IN")
    return 0
