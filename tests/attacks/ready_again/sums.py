# tries: to say that a new process is ready
# stopped by: numbers
# seen: refused, "not an answer"
# others: passed refused blocked
# without: got in, "ended 2 times"

from honest import *
from tools import reply


def double(x):
    reply(0, "ready", "")
    return 0
