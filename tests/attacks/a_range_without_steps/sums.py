# tries: to send a range that never ends
# stopped by: decoder
# seen: refused, "could not be read"
# others: passed refused blocked
# without: got in, "could not be used|ended 2 times"

from honest import *
from tools import request, reply


def double(x):
    reply(request()["number"], "value", b"r" + (b"i" + bytes(8)) * 3)
    return 0
