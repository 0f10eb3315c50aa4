# tries: to turn every warning into an error
# stopped by: restored
# seen: passed, ""
# without: got in

import warnings

from honest import *


def double(x):
    warnings.simplefilter("error")
    return 2 * x
