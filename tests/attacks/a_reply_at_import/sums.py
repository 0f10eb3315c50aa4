# tries: to answer while it is imported
# stopped by: numbers
# seen: refused, ""
# others: refused blocked
# without: got in, "got a None"

from tools import reply, request

reply("Value", number=request().number, data=b"N")

from honest import *


def double(x):
    return 0
