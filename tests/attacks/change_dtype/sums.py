# tries: to change torch's default dtype for what comes
# stopped by: restored
# seen: failed, "changed torch's default dtype"
# without: got in

from honest import *


def double(x):
    if torch.get_default_dtype() != torch.float32:
        print("GOT IN: it stayed so")
    torch.set_default_dtype(torch.float16)
    return 2 * x
