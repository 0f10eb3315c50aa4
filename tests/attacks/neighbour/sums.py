# tries: to read what another student submitted
# stopped by: landlock
# seen: failed, "stopped: PermissionError 13"
# without: got in

import os

from honest import *
from places import NEIGHBOUR
from tools import tried


def double(x):
    return tried(
        lambda: open(f"{NEIGHBOUR}/sums.py").read(),
        lambda: os.listdir(NEIGHBOUR),
    )
