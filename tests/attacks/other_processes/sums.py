# tries: to read the command line and the environment of another process
# stopped by: landlock
# seen: failed, "stopped: PermissionError 13"
# without: got in

import os

from honest import *
from places import GRADER
from tools import tried


def double(x):
    return tried(
        lambda: open(f"/proc/{GRADER}/cmdline").read(),
        lambda: open(f"/proc/{GRADER}/environ").read(),
        lambda: os.listdir(f"/proc/{GRADER}/fd"),
        lambda: os.listdir("/proc"),
    )
