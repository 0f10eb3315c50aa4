# tries: to load a module, restart, set the clock, read the log
# stopped by: seccomp
# seen: failed, "stopped: PermissionError 1\b"
# without: not tried: whoever could would stop this machine

from honest import *
from tools import tried, syscall


def double(x):
    return tried(
        lambda: syscall("init_module", 0, 0, 0),
        lambda: syscall("kexec_load", 0, 0, 0, 0),
        lambda: syscall("reboot", 0, 0, 0, 0),
        lambda: syscall("acct", 0),
        lambda: syscall("clock_settime", 0, 0),
    )
