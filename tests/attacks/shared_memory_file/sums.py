# tries: to make a shared memory segment by Python's own library
# stopped by: landlock
# seen: failed, "stopped: PermissionError 13"
# without: got in

from multiprocessing import resource_tracker, shared_memory

resource_tracker.register = resource_tracker.unregister = lambda *a: None

from honest import *
from places import MARK
from tools import tried


def double(x):
    def share():
        segment = shared_memory.SharedMemory(MARK, create=True, size=64)
        segment.unlink()

    return tried(share)
