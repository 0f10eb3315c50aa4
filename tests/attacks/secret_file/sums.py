# tries: to read the file that seeds the hidden inputs
# stopped by: landlock
# seen: failed, "stopped: PermissionError 13"
# without: got in

from honest import *
from places import SUITE
from tools import tried


def double(x):
    return tried(
        lambda: open(f"{SUITE}/../.secret").read(),
    )
