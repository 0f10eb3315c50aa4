# tries: to send a tensor with less data than its shape says
# stopped by: decoder
# seen: refused, "can't be read"
# others: passed refused blocked
# without: got in, "could not use|ended 2 times"

from honest import *
from tools import request, reply


def double(x):
    reply(
        "Value",
        number=request().number,
        data=b"Xs\7\0\0\0float32s\3\0\0\0cpuFt\1\0\0\0i\x99\0\0\0\0\0\0\0b\0\0\0\0",
    )
    return 0
