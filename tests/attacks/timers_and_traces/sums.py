# tries: to follow its process by audit hooks, traces and fault handlers
# stopped by: another process
# seen: failed, ""
# without: got in

import sys
import faulthandler

from honest import *


def double(x):
    sys.settrace(lambda *a: None)
    sys.setprofile(lambda *a: None)
    sys.addaudithook(lambda *a: None)
    faulthandler.enable()
    sys.meta_path.clear()
    return 0
