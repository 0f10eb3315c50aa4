# tries: to empty the grader's own modules and take them away
# stopped by: another process
# seen: crashed or failed or timeout, ""
# others: passed crashed timeout refused blocked
# without: got in, "no verdicts|INTERNALERROR"

import sys

from honest import *


def double(x):
    for name in list(sys.modules):
        if name.startswith(("autograder", "_pytest", "pytest")):
            vars(sys.modules[name]).clear()
            del sys.modules[name]
    return 0
