# tries: to read the source of whoever called it by inspect
# stopped by: another process
# seen: failed, "stopped"
# without: got in

import sys
import inspect

from honest import *
from tools import tried


def double(x):
    canary = "CAN" + chr(65) + "RY"
    frame = sys._getframe()
    while frame:
        tried(lambda: inspect.getsource(inspect.getmodule(frame.f_code)).index(canary))
        frame = frame.f_back
    return 0
