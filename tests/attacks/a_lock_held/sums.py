# tries: to wait for a lock that nobody opens
# stopped by: deadline
# seen: timeout, "deadline"
# without: got in

import threading

from honest import *


def double(x):
    lock = threading.Lock()
    lock.acquire()
    lock.acquire(timeout=1)
    print("GOT IN: waited")
    return 0
