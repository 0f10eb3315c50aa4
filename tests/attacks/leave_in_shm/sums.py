# tries: to leave a file in /dev/shm, which all processes share
# stopped by: landlock
# seen: failed, "stopped: PermissionError 13"
# without: got in

import os

from honest import *
from places import MARK
from tools import tried


def double(x):
    return tried(
        lambda: open(f"/dev/shm/{MARK}", "w").write("x") and os.unlink(f"/dev/shm/{MARK}"),
    )
