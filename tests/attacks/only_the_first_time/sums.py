# tries: to be right the first time, as for a trial, and wrong afterwards
# stopped by: another process
# seen: failed, ""
# without: got in

from honest import *


calls = []


def double(x):
    calls.append(x)
    return 2 * x if len(calls) > 3 else 0
