# tries: to hear by an audit hook which tests its process opens
# stopped by: another process
# seen: failed, ""
# without: got in

import sys

from honest import *


def double(x):
    canary = "CAN" + chr(65) + "RY"

    def hook(event, arguments):
        if event == "open" and "test_" in str(arguments[0]) or canary in repr(arguments):
            print("GOT" + " IN:", event)

    sys.addaudithook(hook)
    return 0
