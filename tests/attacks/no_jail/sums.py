# tries: to say that its jail could not be built, as if the machine were at fault
# stopped by: numbers
# seen: refused, "not an answer"
# others: passed refused blocked
# without: got in, "ended 2 times"

from honest import *
from tools import request, reply


def double(x):
    reply(request()["number"], "jail", "x")
    return 0
