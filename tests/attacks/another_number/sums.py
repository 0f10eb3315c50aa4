# tries: to answer under the number of another question
# stopped by: numbers
# seen: refused, "not an answer"
# others: passed refused blocked
# without: got in, "got a tensor"

from honest import *
from tools import reply, six


def double(x):
    reply(999, "value", six())
    return 0
