# tries: to look around in the root folder, /tmp and /var
# stopped by: landlock
# seen: failed, "stopped: PermissionError 13"
# without: got in

import os

from honest import *
from tools import tried


def double(x):
    return tried(
        lambda: os.listdir("/"),
        lambda: os.listdir("/tmp"),
        lambda: os.listdir("/var"),
    )
