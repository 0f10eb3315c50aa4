# tries: to hang up the wire and live on
# stopped by: another process
# seen: crashed, ""
# others: passed refused blocked
# without: got in

import os
import time

from honest import *


def double(x):
    os.close(3)
    time.sleep(1)
    return 0
