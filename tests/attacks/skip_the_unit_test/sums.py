# tries: to skip the test as unittest does
# stopped by: another process
# seen: error, ""
# without: got in

from honest import *


def double(x):
    import unittest

    raise unittest.SkipTest("x")
