# tries: to fix all sources of chance
# stopped by: restored
# seen: passed, ""
# without: got in

import random

from honest import *


def double(x):
    random.seed(1)
    torch.manual_seed(1)
    return 2 * x
