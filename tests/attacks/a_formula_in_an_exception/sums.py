# tries: to raise an exception that a spreadsheet would run
# stopped by: renderers
# seen: error, ""
# without: got in

from honest import *


def double(x):
    raise ValueError("=HYPERLINK(1)")
