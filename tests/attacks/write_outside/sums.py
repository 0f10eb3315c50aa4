# tries: to write into a file outside of its own folder
# stopped by: landlock
# seen: failed, "stopped: PermissionError 13"
# without: got in

from honest import *
from places import PLANTED
from tools import tried


def double(x):
    return tried(
        lambda: open(PLANTED, "a").write("x"),
    )
