# tries: to open more files than anybody needs
# stopped by: rlimits
# seen: failed, "stopped: OSError 24"
# without: got in

from honest import *
from tools import tried


def double(x):
    return tried(
        lambda: [open("/dev/null") for _ in range(200)] and 1,
    )
