# tries: to change the exit code of its process to 0 from atexit
# stopped by: another process
# seen: failed, ""
# without: got in

import atexit
import os

atexit.register(os._exit, 0)

from honest import *


def double(x):
    return 0
