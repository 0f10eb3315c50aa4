# tries: to send two values in one frame
# stopped by: decoder
# seen: refused, "could not be read"
# others: passed refused blocked
# without: got in, "got 6, expected -8"

from honest import *
from tools import request, reply, six


def double(x):
    reply(request()["number"], "value", six() + six())
    return 0
