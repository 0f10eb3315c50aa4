# tries: to kill the process that grades it
# stopped by: namespaces
# seen: failed, "stopped: ProcessLookupError"
# without: landlock, "stopped: PermissionError 1\b"
# without namespaces, landlock: got in, "the victim is gone"

import os
import signal

from honest import *
from places import GRADER
from tools import tried


def double(x):
    return tried(
        lambda: os.kill(GRADER, signal.SIGKILL),
    )
