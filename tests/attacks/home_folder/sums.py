# tries: to read a key in the home folder of whoever grades
# stopped by: landlock
# seen: failed, "stopped: PermissionError 13"
# without: got in

import os

from honest import *
from places import HOME
from tools import tried


def double(x):
    return tried(
        lambda: open(f"{HOME}/.ssh/id_key").read(),
        lambda: os.listdir(HOME),
    )
