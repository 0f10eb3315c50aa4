# tries: to be taken for a stub that wasn't written yet
# stopped by: another process
# seen: error, ""
# without: got in

import sys

from honest import *


def double(x):
    raise AttributeError("double", name="double", obj=sys.modules[__name__])
