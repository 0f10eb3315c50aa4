# tries: to act when its process ends (atexit)
# stopped by: another process
# seen: failed, ""
# without: got in

import atexit

atexit.register(print, "GOT IN")

from honest import *


def double(x):
    return 0
