# tries: to read the suite at import, before any test
# stopped by: landlock
# seen: error, "PermissionError"
# others: error
# without: got in

from places import SUITE

text = open(f"{SUITE}/test_hidden.py").read(400)
print("GOT" + " IN", text)

from honest import *


def double(x):
    return 0
