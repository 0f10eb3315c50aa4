# tries: to send a range that never ends
# stopped by: decoder
# seen: refused, "can't be read"
# others: passed refused blocked
# without: got in, "could not use|ended 2 times"

from honest import *
from tools import request, reply


def double(x):
    reply("Value", number=request().number, data=b"r" + (b"i" + bytes(8)) * 3)
    return 0
