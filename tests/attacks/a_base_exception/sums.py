# tries: to raise what `except Exception` lets through
# stopped by: another process
# seen: error, "BaseException: all"
# without: got in

from honest import *


def double(x):
    raise BaseException("all")
