# tries: to read the reference solution and the catalogue of mistakes
# stopped by: landlock
# seen: failed, "stopped: PermissionError 13"
# without: got in

from honest import *
from places import SUITE
from tools import tried


def double(x):
    return tried(
        lambda: open(f"{SUITE}/sums.py").read(),
        lambda: open(f"{SUITE}/mistakes.toml").read(),
    )
