# tries: to let its process answer with a verdict
# stopped by: numbers
# seen: refused, "aren't a message"
# without: got in, "could not use"

import sys

from autograder.sandbox import messages

RequestLoop = sys.modules["autograder.sandbox.inside.requests"].RequestLoop
real = RequestLoop.reply


class Passed(messages.Message):
    number: int
    text: str


def reply(self, request):
    if isinstance(request, messages.Call) and request.name == "double":
        return Passed(request.number, "full points")
    return real(self, request)


RequestLoop.reply = reply

from honest import *


def double(x):
    return 0
