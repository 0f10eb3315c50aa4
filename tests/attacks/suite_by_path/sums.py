# tries: to read the hidden suite by its path
# stopped by: landlock
# seen: failed, "stopped: PermissionError 13"
# without: got in

from honest import *
from places import SUITE
from tools import tried


def double(x):
    return tried(
        lambda: open(f"{SUITE}/test_hidden.py").read(),
    )
