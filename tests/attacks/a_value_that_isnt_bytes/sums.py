# tries: to send a value that wasn't encoded
# stopped by: numbers
# seen: refused, ""
# others: passed refused blocked
# without: got in, "ended 2 times"

from honest import *
from tools import request, reply


def double(x):
    reply(request()["number"], "value", [6])
    return 0
