# tries: to end the process with exit code 0, as if all were well
# stopped by: another process
# seen: crashed, "exit code 0"
# without: got in

import os

from honest import *


def double(x):
    os._exit(0)
