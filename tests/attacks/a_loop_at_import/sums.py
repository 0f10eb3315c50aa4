# tries: to loop at import
# stopped by: deadline
# seen: timeout, "deadline"
# others: timeout
# without: rlimits, "seconds of CPU|SIGKILL"

while True:
    pass

from honest import *


def double(x):
    return 0
