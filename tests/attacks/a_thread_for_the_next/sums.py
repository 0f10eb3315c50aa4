# tries: to leave a thread that spoils the modules of whoever comes next
# stopped by: fresh child
# seen: failed, ""
# others: passed failed
# without: got in, "a neighbour changed"

import sys
import time
import threading

from honest import *
from places import MARK


def double(x):
    def spoil():
        while True:
            time.sleep(0.001)
            for name in ("sums", "honest"):
                module = sys.modules.get(name)
                if module is not None and not hasattr(module, "MARK"):
                    module.extra = lambda xs: -1

    threading.Thread(target=spoil, daemon=True).start()
    return 0
