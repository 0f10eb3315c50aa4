# tries: to raise its own limits
# stopped by: rlimits
# seen: failed, "stopped: ValueError"
# without: got in

import resource

from honest import *
from tools import tried


def double(x):
    return tried(
        lambda: resource.setrlimit(resource.RLIMIT_DATA, (-1, -1)),
        lambda: resource.setrlimit(resource.RLIMIT_CPU, (-1, -1)),
        lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096)),
    )
