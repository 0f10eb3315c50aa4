# tries: to answer the next questions from a thread, while others ask
# stopped by: numbers
# seen: failed or refused, ""
# others: passed refused blocked failed
# without: got in, "got 6|got a tensor|others: .*(failed|blocked)"

import threading

from honest import *
from tools import request, reply, six


def double(x):
    number = request().number

    def later():
        for ahead in range(1, 5):
            reply("Value", number=number + ahead, data=six())

    threading.Thread(target=later).start()
    return 0
