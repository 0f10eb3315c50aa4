# tries: to read a secret from the environment, as Python and as the kernel know it
# stopped by: landlock
# seen: failed, "stopped: PermissionError 13"
# without: got in

import os

from honest import *
from tools import tried


def double(x):
    print(dict(os.environ))
    return tried(lambda: open("/proc/self/environ").read())
