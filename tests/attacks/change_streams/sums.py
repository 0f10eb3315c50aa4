# tries: to take its streams away
# stopped by: another process
# seen: passed, ""
# without: got in

import sys

from honest import *


def double(x):
    sys.stdout = sys.stderr = sys.stdin = None
    return 2 * x
