# tries: to leave a process behind that lives on
# stopped by: namespaces
# seen: passed, ""
# without: got in, "left a process behind"

import os
import signal

from honest import *


def double(x):
    if os.fork() == 0:
        while True:
            signal.pause()
    return 2 * x
