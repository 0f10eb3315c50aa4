# tries: to answer to every name of its module by __getattr__
# stopped by: another process
# seen: failed, ""
# without: got in

from honest import *


def __getattr__(name):
    print(name)
    return lambda *a, **k: -1


def double(x):
    return 0
