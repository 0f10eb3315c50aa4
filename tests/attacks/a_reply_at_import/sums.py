# tries: to answer while it is imported
# stopped by: numbers
# seen: refused, ""
# others: refused
# without: got in, "could not be used"

import os

os.write(3, b"\1\0\0\0N")

from honest import *


def double(x):
    return 0
