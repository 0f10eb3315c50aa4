# tries: to hide a clone's flags from the filter in memory
# stopped by: seccomp
# seen: failed, "stopped: OSError 38"
# without: got in

import os
import struct

from honest import *
from tools import tried, syscall


def double(x):
    return tried(
        lambda: (
            syscall("clone3", struct.pack("11Q", 0x10000000, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0), 88)
            or os._exit(0)
        ),
    )
