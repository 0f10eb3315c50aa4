# tries: to loop in C, where no signal of Python's comes through
# stopped by: deadline
# seen: timeout, "deadline"
# without: rlimits, "seconds of CPU|SIGKILL"

from honest import *


def double(x):
    return sum(range(10**13))
