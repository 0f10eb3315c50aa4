# tries: to write a file of 80 MiB
# stopped by: rlimits
# seen: error, "OSError"
# without: namespaces, "OSError"

import os

from honest import *


def double(x):
    with open("f", "wb") as file:
        for _ in range(5):
            file.write(bytes(2**24))
    os.unlink("f")
    print("GOT IN")
    return 0
