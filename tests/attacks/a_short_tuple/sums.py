# tries: to send an answer that has too few parts
# stopped by: numbers
# seen: refused, "not an answer"
# others: passed refused blocked
# without: got in, "could not be used"

from honest import *
from tools import request, reply


def double(x):
    reply(request()["number"])
    return 0
