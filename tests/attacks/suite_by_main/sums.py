# tries: to reach the tests through __main__, the import system's caches and the loaders
# stopped by: another process
# seen: failed, "walked"
# without: got in

import sys

from honest import *


def double(x):
    canary = "CAN" + chr(65) + "RY"
    for module in list(sys.modules.values()):
        if canary in str(vars(module).get("NOTE", "")) or canary in str(module.__doc__):
            print("GOT IN:", module.__name__)
    print("walked")
    return 0
