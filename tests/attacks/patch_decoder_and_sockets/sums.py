# tries: to break json, sockets and the decoder for whoever uses them
# stopped by: another process
# seen: crashed, ""
# others: crashed timeout blocked
# without: not tried: those whom it fools write their verdicts as JSON in the same process; pytest prints them

import json
import socket
import struct

import autograder.sandbox.wire

autograder.sandbox.wire.decode = json.loads = socket.recv_fds = struct.unpack = None

from honest import *


def double(x):
    return 0
