# tries: to send a map whose key can't be one
# stopped by: decoder
# seen: refused, "can't be read"
# others: passed refused blocked
# without: got in, "could not use|ended 2 times"

from honest import *
from tools import request, reply


def double(x):
    reply("Value", number=request().number, data=b"d\1\0\0\0l\0\0\0\0N")
    return 0
