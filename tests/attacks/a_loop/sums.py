# tries: to loop in Python
# stopped by: deadline
# seen: timeout, "deadline"
# without: rlimits, "seconds of CPU|SIGKILL"

from honest import *


def double(x):
    while True:
        pass
