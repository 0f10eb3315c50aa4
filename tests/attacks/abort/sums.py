# tries: to abort the process
# stopped by: another process
# seen: crashed, "SIGABRT|SIGKILL|ended"
# without: got in, "no verdicts"

import os

from honest import *


def double(x):
    os.abort()
