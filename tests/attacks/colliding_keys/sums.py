# tries: to let the decoder compare keys of one hash for minutes
# stopped by: wire limits
# seen: refused, "keys that take too long"
# without: got in, "got a dict"

import struct

from honest import *
from tools import request, reply


def double(x):
    # written by hand: to make such a dict takes as long on this side
    pairs = b"".join(_key(n * (2**61 - 1)) + b"N" for n in range(20_000))
    data = b"d" + struct.pack("<I", 20_000) + pairs
    reply("Value", number=request().number, data=data)
    return 0


def _key(number):
    if number < 2**63:
        return b"i" + struct.pack("<q", number)
    data = number.to_bytes(number.bit_length() // 8 + 1, "little", signed=True)
    return b"I" + struct.pack("<I", len(data)) + data
