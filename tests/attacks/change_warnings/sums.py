# tries: to turn every warning into an error for what comes
# stopped by: restored
# seen: passed, ""
# without: got in

import warnings

from honest import *


def double(x):
    if warnings.filters[0][0] == "error":
        print("GOT IN: it stayed so")
    warnings.simplefilter("error")
    return 2 * x
