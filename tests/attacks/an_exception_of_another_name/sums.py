# tries: to raise an exception whose class is called Passed
# stopped by: capped text
# seen: error, "PassedPassed"
# without: got in

from honest import *


def double(x):
    raise type("Passed" * 99, (Exception,), {})("6")
