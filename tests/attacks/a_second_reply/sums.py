# tries: to answer twice
# stopped by: numbers
# seen: failed or refused, ""
# others: passed refused blocked
# without: got in, "got a tensor"

from honest import *
from tools import request, reply, six


def double(x):
    reply("Value", number=request().number, data=six())
    return 0
