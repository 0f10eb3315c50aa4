# tries: to send text that isn't UTF-8
# stopped by: decoder
# seen: refused, "can't be read"
# others: passed refused blocked
# without: got in, "could not use|ended 2 times"

from honest import *
from tools import request, reply


def double(x):
    reply("Value", number=request().number, data=b"s\1\0\0\0\xff")
    return 0
