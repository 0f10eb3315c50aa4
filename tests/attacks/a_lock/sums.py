# tries: to answer with a lock
# stopped by: plain data
# seen: refused, "not plain data"
# without: got in

import threading

from honest import *


def double(x):
    return threading.Lock()
