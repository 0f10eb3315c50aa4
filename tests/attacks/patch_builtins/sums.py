# tries: to bend the builtins that a comparison needs
# stopped by: another process
# seen: failed or error or refused, ""
# others: failed error refused blocked passed
# without: got in, "no verdicts"

import builtins

builtins.abs = builtins.isinstance = lambda *a: True
builtins.AssertionError = builtins.Exception = KeyError
builtins.all = builtins.any = lambda *a: True

from honest import *


def double(x):
    return 0
