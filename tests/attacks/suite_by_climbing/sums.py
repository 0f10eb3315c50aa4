# tries: to climb from the working folder and from the module's own path to the suite
# stopped by: landlock
# seen: failed, "stopped: PermissionError 13"
# without: got in

import os

from honest import *
from places import SUITE
from tools import tried


def double(x):
    return tried(
        lambda: open(os.path.relpath(f"{SUITE}/test_hidden.py")).read(),
        lambda: open(
            os.path.join(
                os.path.dirname(__file__),
                os.path.relpath(f"{SUITE}/test_hidden.py", os.path.dirname(__file__)),
            )
        ).read(),
    )
