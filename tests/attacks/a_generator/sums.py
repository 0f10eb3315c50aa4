# tries: to answer with a generator, to be run by whoever compares
# stopped by: plain data
# seen: refused, "not plain data"
# without: got in

from honest import *


def numbers():
    print("GOT IN: run by another")
    yield 6


def double(x):
    return numbers()
