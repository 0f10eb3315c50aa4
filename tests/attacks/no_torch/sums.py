# tries: to take torch away
# stopped by: another process
# seen: failed, ""
# others: error blocked passed crashed refused
# without: got in, "test_rows - ModuleNotFoundError"

import sys

from honest import *


def double(x):
    sys.modules["torch"] = None
    return 0
