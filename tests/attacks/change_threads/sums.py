# tries: to let torch use eight threads for what comes
# stopped by: restored
# seen: passed, ""
# without: got in

from honest import *


def double(x):
    if torch.get_num_threads() != 1:
        print("GOT IN: it stayed so")
    torch.set_num_threads(8)
    return 2 * x
