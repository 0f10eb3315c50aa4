# tries: to read what other submissions of this very run left in the temporary folder
# stopped by: landlock
# seen: failed, "stopped: PermissionError 13"
# without: got in

import os

from honest import *
from places import TEMPORARY
from tools import tried


def double(x):
    return tried(
        lambda: os.listdir(TEMPORARY),
        lambda: os.listdir(os.path.dirname(os.getcwd())),
    )
