# tries: to act when its last object is deleted
# stopped by: another process
# seen: failed, ""
# without: got in

from honest import *


class Last:
    def __del__(self):
        print("GOT IN")


kept = Last()


def double(x):
    return 0
