# tries: to print four megabytes at once
# stopped by: output cap
# seen: refused, "printed more than"
# without: got in, "got 0"

from honest import *


def double(x):
    print("x" * 2**22)
    return 0
