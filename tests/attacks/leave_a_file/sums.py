# tries: to leave a file in the temporary folder for the next submission
# stopped by: landlock
# seen: failed, "stopped: PermissionError 13"
# without: got in

from honest import *
from places import TEMPORARY
from tools import tried


def double(x):
    return tried(
        lambda: open(f"{TEMPORARY}/left", "w").write("x"),
    )
