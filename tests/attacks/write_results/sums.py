# tries: to write a result, and to change one
# stopped by: landlock
# seen: failed, "stopped: PermissionError 13"
# without: got in

import os

from honest import *
from places import RESULTS
from tools import tried


def double(x):
    return tried(
        lambda: open(f"{RESULTS}/me.json", "w").write("x"),
        lambda: open(f"{RESULTS}/to_write.json", "a").write("x"),
        lambda: os.truncate(f"{RESULTS}/to_write.json", 0),
    )
