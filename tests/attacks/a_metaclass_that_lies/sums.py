# tries: to hide its type behind a metaclass that equals and hashes as int
# stopped by: plain data
# seen: refused, "not plain data"
# without: got in

from honest import *


class Meta(type):
    __eq__ = lambda self, other: True
    __hash__ = lambda self: hash(int)


class Lie(metaclass=Meta):
    __eq__ = lambda self, other: True


def double(x):
    return Lie()
