# tries: to interrupt its own process all the time
# stopped by: another process
# seen: crashed or timeout, ""
# without: got in, "no verdicts"

import signal

from honest import *


def double(x):
    signal.setitimer(signal.ITIMER_REAL, 1e-4)
    while True:
        pass
