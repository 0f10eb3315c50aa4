# tries: to say that its process could not be isolated, as if the machine were at fault
# stopped by: numbers
# seen: refused, "aren't a message"
# others: passed refused blocked
# without: got in, "could not use"

from honest import *
from tools import reply


def double(x):
    reply("NotReady", reason="x")
    return 0
