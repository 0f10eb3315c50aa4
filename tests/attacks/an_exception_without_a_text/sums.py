# tries: to raise an exception whose text can't be made
# stopped by: capped text
# seen: error, "its text could not be made"
# without: got in, "exit code 70"

from honest import *


class Silent(Exception):
    def __str__(self):
        raise Silent


def double(x):
    raise Silent
