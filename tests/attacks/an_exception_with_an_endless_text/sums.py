# tries: to raise an exception whose text is never done
# stopped by: deadline
# seen: timeout, "deadline"
# without: rlimits, "seconds of CPU|SIGKILL"

from honest import *


class Endless(Exception):
    def __str__(self):
        while True:
            pass


def double(x):
    raise Endless
