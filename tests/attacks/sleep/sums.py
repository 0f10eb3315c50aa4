# tries: to sleep
# stopped by: deadline
# seen: timeout, "deadline"
# without: got in

import time

from honest import *


def double(x):
    time.sleep(1)
    print("GOT IN: slept")
    return 0
