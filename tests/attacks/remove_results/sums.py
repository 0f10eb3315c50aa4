# tries: to delete, rename and replace results and the suite
# stopped by: landlock
# seen: failed, "stopped: PermissionError 13"
# without: got in

import os

from honest import *
from places import SUITE, RESULTS
from tools import tried


def double(x):
    return tried(
        lambda: os.unlink(f"{RESULTS}/neighbour.json"),
        lambda: os.rename(f"{SUITE}/test_hidden.py", f"{SUITE}/old.py"),
        lambda: os.mkdir(f"{RESULTS}/folder"),
    )
