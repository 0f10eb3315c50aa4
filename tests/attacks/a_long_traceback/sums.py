# tries: to raise through a thousand frames with long lines
# stopped by: capped text
# seen: error, "ValueError: deep"
# without: got in

from honest import *


def down(n):
    if n == 0:
        raise ValueError("deep")
    return down(n - 1)


def double(x):
    return down(900)
