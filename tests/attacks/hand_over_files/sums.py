# tries: to send open files along with its answer
# stopped by: decoder
# seen: refused or timeout, ""
# others: passed refused blocked
# without: got in

import os
import socket

from honest import *


def double(x):
    socket.send_fds(socket.socket(fileno=os.dup(3)), [b"x"], [0, 1])
    return 0
