# tries: to send an exception whose texts are numbers
# stopped by: numbers
# seen: refused, ""
# others: passed refused blocked
# without: got in, "could not be used"

from honest import *
from tools import request, reply


def double(x):
    reply(request()["number"], "raised", 1, 2, 3)
    return 0
