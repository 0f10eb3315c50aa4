# tries: to change torch's files, or lay a .pth file or byte code beside them
# stopped by: landlock
# seen: failed, "stopped: PermissionError 13"
# without: not tried: it would change this machine's torch; `write_outside` tries the same on a planted file

import os

from honest import *
from tools import tried


def double(x):
    return tried(
        lambda: open(torch.__file__, "a"),
        lambda: os.unlink(torch.__file__),
        lambda: os.rename(torch.__file__, "torch.py"),
        lambda: os.mkdir(torch.__file__ + ".d"),
        lambda: open(os.path.dirname(torch.__file__) + "/../evil.pth", "w"),
        lambda: open(os.path.dirname(torch.__file__) + "/__pycache__/evil.pyc", "w"),
    )
