# tries: to raise an exception with a text of 100 MB
# stopped by: capped text
# seen: error or timeout, ""
# without: wire limits, "was announced"

from honest import *


def double(x):
    raise ValueError("x" * 100 * 2**20)
