# tries: to run another program
# stopped by: seccomp
# seen: failed, "stopped: PermissionError 1\b"
# without: landlock, "stopped: PermissionError 13"
# without seccomp, landlock: got in

import sys
import subprocess

from honest import *
from tools import tried


def double(x):
    return tried(
        lambda: subprocess.run(["/bin/true"]),
        lambda: subprocess.run([sys.executable, "-c", ""]),
    )
