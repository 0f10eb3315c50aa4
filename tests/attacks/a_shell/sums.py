# tries: to run a shell
# stopped by: seccomp
# seen: failed, "stopped: ZeroDivisionError"
# without: landlock, "stopped: ZeroDivisionError"
# without seccomp, landlock: got in

import os

from honest import *
from tools import tried


def double(x):
    return tried(
        lambda: 1 // (os.system("true") == 0),
    )
