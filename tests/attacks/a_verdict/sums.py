# tries: to send a verdict instead of a value
# stopped by: numbers
# seen: refused, "aren't a message"
# others: passed refused blocked
# without: got in, "could not use"

from honest import *
from tools import request, reply


def double(x):
    reply("passed", number=request().number, text="x")
    return 0
