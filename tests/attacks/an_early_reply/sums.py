# tries: to answer the next question before it is asked
# stopped by: numbers
# seen: failed or refused, ""
# others: passed refused blocked failed
# without: got in, "others: .*failed"

from honest import *
from tools import request, reply, six


def double(x):
    number = request().number
    reply("Value", number=number, data=six())
    reply("Value", number=number + 1, data=six())
    return 0
