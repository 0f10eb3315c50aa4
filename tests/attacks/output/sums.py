# tries: to print without end
# stopped by: output cap
# seen: refused, "printed more than"
# without: deadline, "deadline"

from honest import *


def double(x):
    while True:
        print("x" * 10**5)
