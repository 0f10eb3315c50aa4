# tries: to send two values in one message
# stopped by: decoder
# seen: refused, "can't be read"
# others: passed refused blocked
# without: got in, "got 6, expected -8"

from honest import *
from tools import request, reply, six


def double(x):
    reply("Value", number=request().number, data=six() + six())
    return 0
