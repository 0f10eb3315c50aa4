# tries: to announce four billion values and send none
# stopped by: decoder
# seen: refused, "can't be read"
# others: passed refused blocked
# without: got in, "could not use|ended 2 times"

from honest import *
from tools import request, reply


def double(x):
    reply("Value", number=request().number, data=b"l\xff\xff\xff\xff")
    return 0
