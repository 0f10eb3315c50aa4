# tries: to announce four billion values and send none
# stopped by: decoder
# seen: refused, "could not be read"
# others: passed refused blocked
# without: got in, "could not be used|ended 2 times"

from honest import *
from tools import request, reply


def double(x):
    reply(request()["number"], "value", b"l\xff\xff\xff\xff")
    return 0
