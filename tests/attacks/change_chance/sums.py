# tries: to fix all sources of chance for what comes
# stopped by: restored
# seen: passed, ""
# without: got in

import random
import numpy

from honest import *


kept = []


def double(x):
    if (random.getstate(), numpy.random.rand(), torch.rand(1).item()) in kept:
        print("GOT IN: it stayed so")
    random.seed(1)
    numpy.random.seed(1)
    torch.manual_seed(1)
    kept.append((random.getstate(), numpy.random.rand(), torch.rand(1).item()))
    random.seed(1)
    numpy.random.seed(1)
    torch.manual_seed(1)
    return 2 * x
