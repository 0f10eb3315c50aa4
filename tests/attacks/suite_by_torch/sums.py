# tries: to read the suite with torch's and numpy's own readers of files
# stopped by: landlock
# seen: failed, "stopped"
# without: got in

import numpy

from honest import *
from places import SUITE
from tools import tried


def double(x):
    return tried(
        lambda: bytes(torch.UntypedStorage.from_file(f"{SUITE}/test_hidden.py", False, 400)),
        lambda: numpy.fromfile(f"{SUITE}/test_hidden.py", dtype="uint8", count=400).tobytes(),
        lambda: numpy.memmap(f"{SUITE}/test_hidden.py", dtype="uint8", mode="r")[:400].tobytes(),
    )
