# tries: to send a value that wasn't encoded
# stopped by: numbers
# seen: refused, "aren't a message"
# others: passed refused blocked
# without: got in, "ended 2 times"

from honest import *
from tools import request, reply


def double(x):
    reply("Value", number=request().number, data=[6])
    return 0
