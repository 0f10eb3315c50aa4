# tries: to answer under a number that equals ours and isn't one
# stopped by: numbers
# seen: refused, ""
# others: passed refused blocked
# without: got in, "got a tensor"

from honest import *
from tools import reply, six


def double(x):
    reply(True, "value", six())
    return 0
