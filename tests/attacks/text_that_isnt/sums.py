# tries: to send text that isn't UTF-8
# stopped by: decoder
# seen: refused, "could not be read"
# others: passed refused blocked
# without: got in, "could not be used|ended 2 times"

from honest import *
from tools import request, reply


def double(x):
    reply(request()["number"], "value", b"s\1\0\0\0\xff")
    return 0
