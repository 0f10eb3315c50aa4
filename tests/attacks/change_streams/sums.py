# tries: to take everybody's streams away
# stopped by: another process
# seen: passed, ""
# without: got in, "no verdicts"

import os
import sys

from honest import *


def double(x):
    sys.stdout = sys.stderr = sys.stdin = None
    os.closerange(0, 3)
    return 2 * x
