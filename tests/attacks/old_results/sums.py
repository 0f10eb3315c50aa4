# tries: to read old results
# stopped by: landlock
# seen: failed, "stopped: PermissionError 13"
# without: got in

from honest import *
from places import RESULTS
from tools import tried


def double(x):
    return tried(
        lambda: open(f"{RESULTS}/neighbour.json").read(),
    )
