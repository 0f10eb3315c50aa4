# tries: to start six hundred threads
# stopped by: namespaces
# seen: failed, "stopped: RuntimeError"
# without: got in

import threading
import _thread

from honest import *
from tools import tried


def double(x):
    lock = threading.Lock()
    lock.acquire()
    threading.stack_size(2**15)
    return tried(lambda: [_thread.start_new_thread(lock.acquire, ()) for _ in range(600)] and 1)
