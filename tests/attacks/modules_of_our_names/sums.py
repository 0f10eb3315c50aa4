# tries: to bring modules with the names of ours, torch's and pytest's own files
# stopped by: another process
# seen: failed, ""
# without: got in

from honest import *


def double(x):
    import torch as found

    print("GOT IN" if len(vars(found)) < 100 else "the real one")
    return 0
