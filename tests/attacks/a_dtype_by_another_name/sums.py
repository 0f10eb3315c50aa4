# tries: to reach another of torch's names through the name of a dtype
# stopped by: decoder
# seen: refused, "could not be read"
# others: passed refused blocked
# without: got in, "got a function"

from honest import *
from tools import request, reply


def double(x):
    reply(request()["number"], "value", b"D\4\0\0\0save")
    return 0
