# tries: to remove the folder that what comes is to stand in
# stopped by: restored
# seen: passed, ""
# without: got in

import os

from honest import *


def double(x):
    if os.path.basename(os.getcwd()) == "d":
        print("GOT IN: it stayed so")
    os.makedirs("d", exist_ok=True)
    os.chdir("d")
    return 2 * x
