# tries: to send a tensor with less data than its shape says
# stopped by: decoder
# seen: refused, "could not be read"
# others: passed refused blocked
# without: got in, "could not be used|ended 2 times"

from honest import *
from tools import request, reply


def double(x):
    reply(
        request()["number"],
        "value",
        b"Xs\7\0\0\0float32s\3\0\0\0cpuFt\1\0\0\0i\x99\0\0\0\0\0\0\0b\0\0\0\0",
    )
    return 0
