# tries: to answer the next questions from a thread, while others ask
# stopped by: numbers
# seen: failed or refused, ""
# others: passed refused blocked
# without: got in

import time
import threading

from honest import *
from tools import request, reply, six


def double(x):
    number = request()["number"]

    def later():
        time.sleep(0.02)
        for ahead in range(5):
            reply(number + ahead, "value", six())

    threading.Thread(target=later).start()
    return 0
