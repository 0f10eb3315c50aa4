# tries: to loop in Python
# stopped by: deadline
# seen: timeout, "deadline"
# without: rlimits, "SIGXCPU|SIGKILL"

from honest import *


def double(x):
    while True:
        pass
