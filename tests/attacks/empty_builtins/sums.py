# tries: to empty the builtins of the whole process
# stopped by: another process
# seen: failed or error or crashed or timeout, ""
# others: passed failed error crashed timeout refused blocked
# without: got in, "no verdicts|INTERNALERROR"

from honest import *


def double(x):
    import builtins

    vars(builtins).clear()
    return 0
