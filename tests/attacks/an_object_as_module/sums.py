# tries: to be an object instead of a module, which answers to every name
# stopped by: another process
# seen: failed or refused or error, ""
# others: failed refused error blocked missing
# without: got in

import sys


class Answer:
    __getattr__ = lambda self, name: lambda *a, **k: -1
    __name__ = __file__ = "sums"


from honest import *


sys.modules[__name__] = Answer()
