# tries: to send an empty tensor whose sums would fill the grader's memory
# stopped by: decoder
# seen: refused, "can't be read"
# others: passed refused blocked
# without: got in, "got a tensor"

import struct

from honest import *
from tools import request, reply


def double(x):
    reply(
        "Value",
        number=request().number,
        data=b"Xs\7\0\0\0float32s\3\0\0\0cpuFt\2\0\0\0i"
        + struct.pack("<q", 2**39)
        + b"i"
        + bytes(8)
        + b"b\0\0\0\0",
    )
    return 0
