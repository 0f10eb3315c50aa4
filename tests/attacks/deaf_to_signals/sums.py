# tries: to ignore all signals and loop
# stopped by: deadline
# seen: timeout, "deadline"
# without: rlimits, "seconds of CPU|SIGKILL"

import signal

from honest import *


def double(x):
    for number in range(1, 32):
        try:
            signal.signal(number, signal.SIG_IGN)
        except OSError:
            pass
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
