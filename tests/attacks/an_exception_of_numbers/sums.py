# tries: to send an exception whose texts are numbers
# stopped by: numbers
# seen: refused, "aren't a message"
# others: passed refused blocked
# without: got in, "could not use"

from honest import *
from tools import request, reply


def double(x):
    reply("Raised", number=request().number, kind=1, text=2, where=3)
    return 0
