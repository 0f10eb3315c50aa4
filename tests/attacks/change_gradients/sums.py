# tries: to turn gradients off for what comes
# stopped by: restored
# seen: failed, "turned gradients off"
# without: got in

from honest import *


def double(x):
    if not torch.is_grad_enabled():
        print("GOT IN: it stayed so")
    torch.set_grad_enabled(False)
    return 2 * x
