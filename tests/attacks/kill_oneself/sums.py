# tries: to kill its own process, so that the grader waits for ever
# stopped by: another process
# seen: failed, ""
# without: got in, "no verdicts"

import os
import signal

from honest import *


def double(x):
    os.kill(os.getpid(), signal.SIGKILL)
    return 0
