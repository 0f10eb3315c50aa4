# tries: to open more pipes than anybody needs
# stopped by: rlimits
# seen: failed, "stopped: OSError 24"
# without: got in

import os

from honest import *
from tools import tried


def double(x):
    return tried(
        lambda: [os.pipe() for _ in range(100)] and 1,
    )
