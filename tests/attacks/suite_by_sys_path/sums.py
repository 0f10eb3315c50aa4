# tries: to put the suite's folder on sys.path and import the suite by name
# stopped by: landlock
# seen: failed, "stopped: (ModuleNotFound|Attribute)Error"
# without: got in

import sys
import importlib

from honest import *
from places import SUITE
from tools import tried


def double(x):
    sys.path.insert(0, SUITE)
    sys.modules.pop("sums")
    return tried(lambda: importlib.import_module("sums").NOTE)
