# tries: to fill the grader's memory with an answer
# stopped by: wire limits, deadline
# seen: refused or timeout, ""
# without: got in, "got bytes|got a bytes"

from honest import *


def double(x):
    return bytes(10**8)
