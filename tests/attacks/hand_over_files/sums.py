# tries: to send open files along with its answer
# stopped by: decoder
# seen: failed or refused, ""
# others: passed refused blocked
# without: not tried: the other side never asks for files, and there is nothing to take off

import os
import socket

from honest import *
from tools import request, six


def double(x):
    from autograder.sandbox import messages

    data = messages.packed(messages.Value(request().number, six()))
    socket.send_fds(socket.socket(fileno=os.dup(3)), [data], [0, 1])
    return 0
