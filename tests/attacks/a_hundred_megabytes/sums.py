# tries: to fill the grader's memory with an answer
# stopped by: wire limits
# seen: refused or timeout, ""
# without: got in

from honest import *


def double(x):
    return bytes(10**8)
