# tries: to print every byte that there is
# stopped by: renderers
# seen: failed, ""
# without: got in, "acts in"

import os

from honest import *


def double(x):
    os.write(1, bytes(range(256)))
    return 0
