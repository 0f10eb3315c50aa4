# tries: to find the kit's own checkout, where the solutions lie, from the kit's modules
# stopped by: landlock
# seen: failed, "stopped: PermissionError 13"
# without: got in

import os
import sys

from honest import *
from tools import tried


def double(x):
    return tried(
        lambda: open(os.path.dirname(sys.modules["autograder"].__file__) + "/../course.toml").read(
            9
        ),
        lambda: os.listdir(os.path.dirname(sys.modules["autograder"].__file__) + "/../solutions"),
    )
