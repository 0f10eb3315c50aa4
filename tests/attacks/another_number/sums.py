# tries: to answer under the number of another question
# stopped by: numbers
# seen: refused, "no answer to the question"
# others: passed refused blocked
# without: got in, "got a tensor"

from honest import *
from tools import reply, six


def double(x):
    reply("Value", number=999, data=six())
    return 0
