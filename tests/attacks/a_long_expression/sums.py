# tries: to match an expression that takes longer than the universe lives
# stopped by: deadline
# seen: timeout, "deadline"
# without: rlimits, "seconds of CPU|SIGKILL"

import re

from honest import *


def double(x):
    return re.match("(a*)*b", "a" * 99)
