# tries: to put the suite's folder on sys.path and import it by name
# stopped by: landlock
# seen: failed, "stopped: ModuleNotFoundError"
# without: got in

import sys

from honest import *
from places import SUITE
from tools import tried


def double(x):
    sys.path.insert(0, SUITE)
    return tried(lambda: __import__("mistakes_of_others").NOTE, lambda: __import__("shared").NOTE)
