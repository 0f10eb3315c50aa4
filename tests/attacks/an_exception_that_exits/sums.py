# tries: to end the process while its exception is told
# stopped by: another process
# seen: crashed, ""
# without: got in

import os

from honest import *


class Leaving(Exception):
    def __str__(self):
        os._exit(0)


def double(x):
    raise Leaving
