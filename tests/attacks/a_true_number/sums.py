# tries: to answer under a number that equals ours and isn't one
# stopped by: numbers
# seen: refused, "aren't a message"
# others: passed refused blocked
# without: got in, "got a tensor"

from honest import *
from tools import reply, six


def double(x):
    reply("Value", number=True, data=six())
    return 0
