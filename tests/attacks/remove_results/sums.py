# tries: to rename and delete results
# stopped by: landlock
# seen: failed, "stopped: PermissionError 13"
# without: got in

import os

from honest import *
from places import RESULTS
from tools import tried


def double(x):
    return tried(
        lambda: os.rename(f"{RESULTS}/to_remove.json", f"{RESULTS}/removed.json"),
        lambda: os.unlink(f"{RESULTS}/removed.json"),
        lambda: os.mkdir(f"{RESULTS}/folder") or os.rmdir(f"{RESULTS}/folder"),
    )
