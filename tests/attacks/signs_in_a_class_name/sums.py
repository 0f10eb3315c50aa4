# tries: to raise an exception whose class has such a name
# stopped by: renderers
# seen: error, ""
# without: got in, "acts in"

from honest import *


def double(x):
    raise type("<b>\x1b[31m", (Exception,), {})
