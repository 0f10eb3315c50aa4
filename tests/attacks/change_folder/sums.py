# tries: to remove the folder that it stands in
# stopped by: restored
# seen: passed, ""
# without: got in

import os

from honest import *


def double(x):
    os.mkdir("d")
    os.chdir("d")
    os.rmdir("../d")
    return 2 * x
