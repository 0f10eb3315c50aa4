# tries: to announce a message of two gigabytes
# stopped by: wire limits
# seen: refused, "was announced"
# others: passed refused blocked
# without: deadline, "deadline"

import os
import struct

from honest import *


def double(x):
    os.write(3, struct.pack("<I", 2**31))
    return 0
