# tries: to end the process politely
# stopped by: another process
# seen: error, "SystemExit"
# without: got in

import sys

from honest import *


def double(x):
    sys.exit(0)
