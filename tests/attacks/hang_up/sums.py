# tries: to close all files that its grader needs, and live on
# stopped by: another process
# seen: crashed, ""
# others: passed refused blocked
# without: got in, "no verdicts"

import os
import time

from honest import *


def double(x):
    os.closerange(0, 64)
    time.sleep(1)
    return 0
