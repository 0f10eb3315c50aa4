# tries: to send a verdict instead of a value
# stopped by: numbers
# seen: refused, "not an answer"
# others: passed refused blocked
# without: got in, "ended 2 times"

from honest import *
from tools import request, reply


def double(x):
    reply(request()["number"], "passed", "x")
    return 0
