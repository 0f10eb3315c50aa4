# tries: to say that a new process is ready
# stopped by: numbers
# seen: refused, "aren't a message"
# others: passed refused blocked
# without: got in, "could not use"

from honest import *
from tools import reply


def double(x):
    reply("Ready")
    return 0
