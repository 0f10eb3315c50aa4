# tries: to be no Python at all
# stopped by: another process
# seen: error, "SyntaxError"
# others: error
# without: got in

return

from honest import *


def double(x):
    return 0
