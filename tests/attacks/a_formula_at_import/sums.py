# tries: to put a formula into the sentence that says why it can't be imported
# stopped by: renderers
# seen: error, "cmd"
# others: error
# without: got in

raise type("=cmd", (Exception,), {})("=cmd|' /C calc'!A0\n=1+1\t@SUM(1)")

from honest import *


def double(x):
    return 0
