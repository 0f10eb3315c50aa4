# tries: to end the process with exit code 0 at import
# stopped by: another process
# seen: crashed, "exit code 0"
# others: crashed
# without: got in

import os

os._exit(0)

from honest import *


def double(x):
    return 0
