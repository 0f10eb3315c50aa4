# tries: to list and read what Python compiled of the suite
# stopped by: landlock
# seen: failed, "stopped: PermissionError 13"
# without: got in

import os

from honest import *
from places import SUITE
from tools import tried


def double(x):
    return tried(
        lambda: os.listdir(SUITE),
        lambda: os.listdir(f"{SUITE}/.."),
        lambda: os.scandir(SUITE).__next__(),
    )
