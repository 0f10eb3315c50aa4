# tries: to break torch for whoever is graded next in its process
# stopped by: fresh worker
# seen: failed, ""
# without: restored, "(?m)^others: passed$"
# without fresh worker, restored: got in, "a neighbour changed"

from honest import *


def double(x):
    torch.einsum = lambda *a: torch.zeros(2)
    return 0
