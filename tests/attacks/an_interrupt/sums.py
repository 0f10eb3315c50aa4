# tries: to raise what Ctrl-C raises
# stopped by: another process
# seen: error, "KeyboardInterrupt"
# without: got in, "no verdicts|interrupted|KeyboardInterrupt"

from honest import *


def double(x):
    raise KeyboardInterrupt
