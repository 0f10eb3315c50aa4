# tries: to empty the builtins of the whole process
# stopped by: another process
# seen: failed or error or crashed or timeout, ""
# others: passed failed error crashed timeout refused blocked
# without: got in

from honest import *


def double(x):
    vars(builtins).clear()
    return 0
