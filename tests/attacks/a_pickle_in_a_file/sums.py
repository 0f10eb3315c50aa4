# tries: to let torch.load unpickle a file of its own, as a grader that loads a checkpoint would
# stopped by: plain data
# seen: failed, "stopped"
# without: got in

from honest import *
from tools import tried


class Lie:
    def __reduce__(self):
        return print, ("GOT IN",)


def double(x):
    torch.save({"x": Lie()}, "checkpoint.pt")
    return tried(lambda: torch.load("checkpoint.pt"))
