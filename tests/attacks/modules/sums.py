# tries: to find the suite, the reference or the grader among the modules
# stopped by: another process
# seen: failed, "nothing"
# without: got in

import sys

from honest import *


def double(x):
    secret = [
        n
        for n in sys.modules
        if n.startswith(("test_", "reference", "_pytest"))
        or n.startswith(("autograder.grading", "autograder.suite", "autograder.diagnosis"))
    ]
    print("GOT IN:" if secret else "nothing", secret)
    return 0
