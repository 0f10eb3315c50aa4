# tries: to print without end at import
# stopped by: output cap
# seen: refused, "printed more than"
# others: refused
# without: deadline, "deadline"

while True:
    print("x" * 10**5)

from honest import *


def double(x):
    return 0
