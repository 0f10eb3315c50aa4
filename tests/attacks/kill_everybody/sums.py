# tries: to kill all processes that it may
# stopped by: namespaces
# seen: failed, "stopped: ProcessLookupError"
# without: not tried: it would kill every process of this user

import os
import signal

from honest import *
from tools import tried


def double(x):
    return tried(
        lambda: os.kill(-1, signal.SIGKILL),
    )
