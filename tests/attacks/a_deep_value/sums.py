# tries: to send a value that is nested deeper than any stack
# stopped by: wire limits
# seen: refused, "can't be read"
# others: passed refused blocked
# without: got in, "got a list"

from honest import *
from tools import request, reply


def double(x):
    reply("Value", number=request().number, data=b"l\1\0\0\0" * 50 + b"N")
    return 0
