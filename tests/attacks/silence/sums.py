# tries: to close its output, so that whoever waits for it is woken all the time
# stopped by: deadline
# seen: timeout, "deadline"
# without: got in, "got 3, expected 6"

import os
import time

from honest import *


def double(x):
    os.closerange(0, 3)
    time.sleep(1)
    return x
