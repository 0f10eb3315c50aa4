# tries: to leave a grandchild behind, whose parent is gone
# stopped by: namespaces
# seen: passed, ""
# without: got in, "left a process behind"

import os
import signal

from honest import *


def double(x):
    if os.fork() == 0:
        os.fork() and os._exit(0)
        while True:
            signal.pause()
    return 2 * x
