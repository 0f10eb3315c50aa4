# tries: to read the machine's users and passwords
# stopped by: landlock
# seen: failed, "stopped: PermissionError 13"
# without: got in

from honest import *
from tools import tried


def double(x):
    return tried(
        lambda: open("/etc/passwd").read(9),
        lambda: open("/etc/shadow").read(9),
    )
