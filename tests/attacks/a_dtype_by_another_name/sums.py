# tries: to reach another of torch's names through the name of a dtype
# stopped by: decoder
# seen: refused, "can't be read"
# others: passed refused blocked
# without: got in, "got a function"

from honest import *
from tools import request, reply


def double(x):
    reply("Value", number=request().number, data=b"D\4\0\0\0save")
    return 0
