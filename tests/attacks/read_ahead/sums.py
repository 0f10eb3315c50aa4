# tries: to read the next question before it is asked, by MSG_PEEK on its socket
# stopped by: another process
# seen: failed, "stopped: BlockingIOError"
# without: not tried: whoever shares a process needn't read ahead; `frames` sees all questions there

import os
import socket

from honest import *
from tools import tried


def double(x):
    wire = socket.socket(fileno=os.dup(3))
    return tried(lambda: wire.recv(10**6, socket.MSG_PEEK | socket.MSG_DONTWAIT))
