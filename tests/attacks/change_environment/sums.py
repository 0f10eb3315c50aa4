# tries: to empty the environment
# stopped by: another process
# seen: passed, ""
# without: got in

import os

from honest import *


def double(x):
    os.environ.clear()
    return 2 * x
