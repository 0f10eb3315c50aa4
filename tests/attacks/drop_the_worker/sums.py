# tries: to take the worker's module away from under itself
# stopped by: another process
# seen: failed, ""
# without: got in

import sys

from honest import *


def double(x):
    sys.modules.pop("autograder.worker", None)
    sys.modules.pop("autograder.wire", None)
    return 0
