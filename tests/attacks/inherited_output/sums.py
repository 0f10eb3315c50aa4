# tries: to write on its output past Python
# stopped by: output cap
# seen: refused, "printed more than"
# without: got in, "got 0"

import os

from honest import *


def double(x):
    for _ in range(64):
        os.write(1, b"x" * 2**16)
        os.write(2, b"x" * 2**16)
    return 0
