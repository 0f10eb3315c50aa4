# tries: to raise GeneratorExit
# stopped by: another process
# seen: error, ""
# without: got in

from honest import *


def double(x):
    raise GeneratorExit
