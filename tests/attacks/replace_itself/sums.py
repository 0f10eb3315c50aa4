# tries: to replace its process by a shell
# stopped by: seccomp
# seen: failed, "stopped: PermissionError 1\b"
# without: landlock, "stopped: PermissionError 13"
# without seccomp, landlock: got in, "GOT IN|exit code 0|SIGKILL"

import os

from honest import *
from tools import tried


def double(x):
    return tried(
        lambda: os.execv("/bin/sh", ["sh", "-c", "echo GOT IN"]),
    )
