# tries: to send an answer that lacks its value
# stopped by: numbers
# seen: refused, "aren't a message"
# others: passed refused blocked
# without: got in, "could not use"

from honest import *
from tools import request, reply


def double(x):
    reply("Value", number=request().number)
    return 0
