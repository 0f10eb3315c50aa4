# tries: to send a value with a tag that is none
# stopped by: decoder
# seen: refused, "no value begins"
# others: passed refused blocked
# without: got in, "could not use|ended 2 times"

from honest import *
from tools import reply, request


def double(x):
    reply("Value", number=request().number, data=b"?")
    return 0
