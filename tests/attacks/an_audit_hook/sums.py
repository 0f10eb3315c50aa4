# tries: to end the process with exit code 0 by an audit hook, once the grader does anything
# stopped by: another process
# seen: crashed or failed, ""
# others: passed crashed blocked
# without: got in

import os
import sys

from honest import *


def double(x):
    def hook(event, arguments):
        os._exit(0)

    sys.addaudithook(hook)
    return 0
