# tries: to answer with more values than anybody can look at
# stopped by: wire limits, deadline
# seen: refused or timeout, ""
# without: got in, "got a list"

from honest import *


def double(x):
    return [None] * 1_000_001
