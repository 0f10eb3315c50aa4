# tries: to send garbage instead of a message
# stopped by: wire limits
# seen: refused, "was announced"
# others: passed refused blocked
# without: deadline, "deadline"

import os

from honest import *


def double(x):
    os.write(3, b"\xff" * 100)
    return 0
