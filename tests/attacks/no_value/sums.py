# tries: to send a message without a value
# stopped by: decoder
# seen: refused, "can't be read"
# others: passed refused blocked
# without: got in, "could not use|ended 2 times"

from honest import *
from tools import request, reply


def double(x):
    reply("Value", number=request().number, data=b"")
    return 0
