# tries: to turn gradients off for what comes
# stopped by: restored
# seen: passed, ""
# without: got in

from honest import *


def double(x):
    torch.set_grad_enabled(False)
    return 2 * x
