# tries: to start six hundred processes
# stopped by: namespaces
# seen: failed or timeout, ""
# without: not tried: several hundred processes would be left for the runner to hunt

import os
import signal

from honest import *
from tools import tried


def double(x):
    def many():
        for _ in range(600):
            if os.fork() == 0:
                while True:
                    signal.pause()

    return tried(many)
