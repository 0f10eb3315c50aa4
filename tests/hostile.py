"""What a class of attackers hands in: each does one thing, in the task `double`.

An attack is the course's own solution with another body for `double`. All else in it is
right, so what those other tasks become shows how far the attack reached.
"""

from __future__ import annotations

import platform
import textwrap
from dataclasses import dataclass, field

ARM = platform.machine() == "aarch64"

TOOLS = '''
def tried(action, *more):
    """Say what came of it: the exception that stopped us, or GOT IN."""
    for action in (action, *more):
        try:
            got = action()
        except BaseException as error:
            print("stopped:", type(error).__name__, getattr(error, "errno", ""))
        else:
            print("GOT IN:", repr(got)[:3000])
    return 0


def syscall(number, *arguments):
    import ctypes, os
    libc = ctypes.CDLL(None, use_errno=True)
    result = libc.syscall(number, *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return result


def request():
    """The question that we are being asked, as our own process holds it."""
    import sys
    frame = sys._getframe()
    while "request" not in frame.f_locals or not isinstance(frame.f_locals["request"], dict):
        frame = frame.f_back
    return frame.f_locals["request"]


def reply(*answer):
    """Write a frame of our own on the wire."""
    import os
    from autograder import wire
    os.write(3, wire.frame(answer))

'''


@dataclass(frozen=True)
class Attack:
    """body: of `double`; top: before all else. outcome: of `double`; others: of the rest.

    says: what stands in the report of `double` (a pattern); an outcome may have several names.
    beside: other files, none of them Python.
    """

    name: str
    body: str = "return 0"
    outcome: str = "failed"
    says: str = ""
    top: str = ""
    others: str = "passed"
    instead: dict[str, str] = field(default_factory=dict)
    beside: tuple[str, ...] = ()

    def text(self, reference: str, **places: str) -> str:
        body = textwrap.indent(textwrap.dedent(self.body).strip(), "    ")
        text = TOOLS + textwrap.dedent(self.top) + reference.replace("    return 2 * x", body)
        for old, new in self.instead.items():
            text = text.replace(old, new)
        for word, place in places.items():
            text = text.replace(word, place)
        return text


def refused(name: str, *actions: str, says: str = "stopped: PermissionError") -> Attack:
    """An attack by expressions: each is stopped, and the answer is wrong."""
    return Attack(
        name, f"return tried({', '.join(f'lambda: {action}' for action in actions)})", says=says
    )


READING = [
    refused("the hidden suite", "open('HOME/test_hidden.py').read()"),
    refused("its byte code", "__import__('os').listdir('HOME/__pycache__')"),
    refused("the solution", "open('HOME/sums.py').read()", "open('HOME/mistakes.toml').read()"),
    refused("the secret's file", "open('HOME/../.secret').read()"),
    refused("the course's folder", "__import__('os').listdir('HOME')"),
    refused("the neighbour", "open('NEIGHBOUR/sums.py').read()"),
    refused("the results", "open('RESULTS/neighbour.json').read()"),
    refused("write a result", "open('RESULTS/me.json', 'w')"),
    refused("a link to it", "__import__('os').symlink('HOME/sums.py', 'l') or open('l').read()"),
    refused(
        "the home folder", "__import__('os').listdir('/root')", "__import__('os').listdir('/home')"
    ),
    refused("the users", "open('/etc/passwd').read()", "open('/etc/shadow').read()"),
    refused("the root", "__import__('os').listdir('/')", "__import__('os').listdir('/proc')"),
    refused("own maps", "open('/proc/self/maps').read()", "open('/proc/self/mem', 'rb').read(1)"),
    refused("own environment", "open('/proc/self/environ').read()"),
    refused(
        "the grader's process",
        "open('/proc/GRADER/cmdline').read()",
        "open('/proc/GRADER/environ').read()",
        "open('/proc/GRADER/mem', 'rb').read(1)",
        "__import__('os').listdir('/proc/GRADER/fd')",
    ),
    refused(
        "a path by import",
        "__import__('importlib.util').util.spec_from_file_location('r', 'HOME/sums.py')"
        ".loader.load_module()",
        "__import__('runpy').run_path('HOME/sums.py')",
    ),
    refused("the suite's module", "__import__('test_hidden')", says="ModuleNotFoundError"),
    refused(
        "a raw open",
        "syscall(257, -100, b'HOME/sums.py', 0)"
        if not ARM
        else "syscall(56, -100, b'HOME/sums.py', 0)",
        says="PermissionError 13",
    ),
    Attack(
        "frames",
        """
        import sys
        frame = sys._getframe()
        while frame:
            for name, value in [*frame.f_locals.items(), *frame.f_globals.items()]:
                if "CAN" + chr(65) + "RY" in repr(value)[:100_000]:
                    print("GOT IN:", name)
            frame = frame.f_back
        print("walked")
        return 0
        """,
        says="walked",
    ),
    Attack(
        "the collector",
        """
        import gc
        gc.unfreeze()
        canary = "CAN" + chr(65) + "RY"
        for thing in gc.get_objects():
            if type(thing) is dict:
                for value in list(thing.values()):
                    if type(value) is str and canary in value:
                        print("GOT IN:", value)
        print("walked")
        return 0
        """,
        outcome="failed timeout",
    ),
    Attack(
        "modules",
        """
        import os, sys
        secret = [n for n in sys.modules if n.startswith(("test_", "reference", "autograder.g"))]
        print("GOT IN:" if secret else "nothing", secret)
        print(dict(os.environ))
        return 0
        """,
        says="nothing",
    ),
    Attack(
        "source by inspect",
        """
        import inspect, sys
        frame = sys._getframe()
        while frame:
            tried(lambda: inspect.getsource(frame.f_code).index("CAN" + chr(65) + "RY"))
            frame = frame.f_back
        return 0
        """,
        says="stopped",
    ),
]

TALKING = [
    refused("tcp", "__import__('socket').create_connection(('127.0.0.1', 22), 1)"),
    refused("udp", "__import__('socket').socket(2, 2).sendto(b'x', ('127.0.0.1', 53))"),
    refused("unix", "__import__('socket').socket(1, 1).connect('/run/systemd/notify')"),
    refused("abstract", "__import__('socket').socket(1, 2).bind('\\0here')"),
    refused("pair", "__import__('socket').socketpair()"),
    refused("names", "__import__('socket').getaddrinfo('example.org', 80)", says="gaierror"),
    Attack(
        "other files open",
        """
        import os
        for fd in range(4, 64):
            try:
                os.fstat(fd)
            except OSError:
                continue
            print("GOT IN:", fd)
        return 0
        """,
    ),
]

_NUMBERS = {
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "pidfd_open": (434, 434), "pidfd_getfd": (438, 438), "unshare": (272, 97), "setns": (308, 268),
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
    "memfd_create": (319, 279), "execveat": (322, 281), "bpf": (321, 280), "keyctl": (250, 219),
    "perf_event_open": (298, 241), "userfaultfd": (323, 282), "io_uring_setup": (425, 425),
    "open_by_handle_at": (304, 265), "personality": (135, 92), "init_module": (175, 105),
    "kexec_load": (246, 104), "setuid": (105, 146), "socket": (41, 198), "fsopen": (430, 430),
    "shmget": (29, 194), "mknodat": (259, 33), "chmod": (268, 53), "linkat": (265, 37),
}  # fmt: skip
CALLING = [
    *(
        refused(
            f"call {name}", f"syscall({numbers[ARM]}, 0, 0, 0, 0, 0, 0)", says="PermissionError 1"
        )
        for name, numbers in _NUMBERS.items()
    ),
    refused("clone3", "syscall(435, 0, 0)", says="OSError 38"),
    refused("a user namespace", f"syscall({220 if ARM else 56}, 0x10000011, 0, 0, 0, 0)"),
    refused("exec", "__import__('os').execv('/bin/sh', ['sh'])"),
    refused("subprocess", "__import__('subprocess').run(['/bin/true'])"),
    refused("a shell", "1 / (__import__('os').system('true') == 0)", says="ZeroDivisionError"),
    refused(
        "a multiprocessing queue", "__import__('multiprocessing').Manager()", says="PermissionError"
    ),
    refused("kill everybody", "__import__('os').kill(-1, 9)", says="ProcessLookupError"),
    refused("kill the grader", "__import__('os').kill(GRADER, 9)", says="ProcessLookupError"),
    refused("kill the group", "__import__('os').killpg(GRADER, 9)", says="ProcessLookupError"),
    refused("a new session", "__import__('os').setsid()"),
    refused("priority", "__import__('os').setpriority(0, GRADER, 19)"),
    refused(
        "site-packages",
        "open(torch.__file__, 'a')",
        "__import__('os').unlink(torch.__file__)",
        "__import__('os').rename(torch.__file__, 'torch.py')",
        "__import__('os').mkdir(torch.__file__ + '.d')",
        "open(__import__('os').path.dirname(torch.__file__) + '/../evil.pth', 'w')",
        "open(__import__('os').path.dirname(torch.__file__) + '/__pycache__/evil.pyc', 'w')",
    ),
    Attack(
        "a daemon",
        "import os, signal\nif os.fork() == 0:\n    while True:\n"
        "        signal.pause()\nreturn 2 * x",
        "passed",
    ),
    Attack(
        "a daemon's daemon",
        "import os, signal\nif os.fork() == 0:\n    os.fork() and os._exit(0)\n"
        "    while True:\n        signal.pause()\nreturn 2 * x",
        "passed",
    ),
    Attack(
        "another numbering of calls",
        """
        import ctypes, mmap
        page = mmap.mmap(-1, 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, prot=7)
        page.write(bytes.fromhex(CODE))
        ctypes.CFUNCTYPE(None)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()
        return 0
        """.replace("CODE", "'000020d4'" if ARM else "'b814000000cd80c3'"),  # int 0x80; brk
        "crashed",
        "SIGTRAP" if ARM else "SIGSYS",
    ),
]

PATCHING = [
    Attack(
        "torch's comparisons",
        top="""
        import torch
        torch.equal = torch.allclose = torch.isclose = lambda *a, **k: True
        torch.testing.assert_close = lambda *a, **k: None
        torch.Tensor.__eq__ = torch.Tensor.equal = lambda *a: True
        """,
    ),
    Attack(
        "builtins",
        top="""
        import builtins
        builtins.abs = builtins.isinstance = lambda *a: True
        builtins.AssertionError = builtins.Exception = KeyError
        builtins.all = builtins.any = lambda *a: True
        """,
        outcome="failed error refused",
        others="failed error refused blocked passed",
    ),
    Attack(
        "the answering",
        top="""
        import sys
        worker = sys.modules["autograder.worker"]
        real = worker.Answering.answer
        def answer(self, request):
            number, *rest = real(self, request)
            if request["do"] == "call" and request["name"] == "double":
                return number, "passed", "full points"
            return number, *rest
        worker.Answering.answer = answer
        """,
        outcome="refused",
        says="not an answer to the question",
    ),
    Attack(
        "an answer to everything",
        top="""
        import sys
        worker = sys.modules["autograder.worker"]
        worker.Answering.answer = lambda self, request: (
            request["number"], "value", worker.wire.encode(-1)
        )
        """,
        others="failed blocked",
    ),
    Attack(
        "the encoder",
        top="import autograder.wire\nautograder.wire.encode = lambda value: b'6'\n",
        outcome="refused",
        says="could not be read",
        others="refused crashed blocked",
    ),
    Attack(
        "the decoder and the sockets",
        top="""
        import json, socket, struct, autograder.wire
        autograder.wire.decode = json.loads = socket.recv_fds = struct.unpack = None
        """,
        outcome="crashed",
        others="crashed timeout blocked",
    ),
    Attack(
        "the suite's own words",
        "import sys\nsys.modules['autograder.suite'] = sys\nsys.modules['pytest'] = sys\nreturn 0",
    ),
    Attack("a skipped test", "import pytest\npytest.skip('not today')", "error"),
    Attack("a skipped unit test", "import unittest\nraise unittest.SkipTest('x')", "error"),
    Attack(
        "our own errors", "class CourseError(Exception): pass\nraise CourseError('broken')", "error"
    ),
]

_LIE = "\nclass Lie({base}):\n    def __eq__(self, other): return True\n    __hash__ = None\n"
LYING = [
    Attack(
        "equal to all", "return Lie()", "refused", "Lie is not plain data", _LIE.format(base="")
    ),
    Attack(
        "an int that lies", "return Lie(5)", "failed", "got 5, expected 6", _LIE.format(base="int")
    ),
    Attack("a float that lies", "return Lie(6.5)", "failed", "6.5", _LIE.format(base="float")),
    Attack("a str that lies", "return Lie('6')", "failed", "got a str", _LIE.format(base="str")),
    Attack("a list that lies", "return Lie([])", "failed", "got a list", _LIE.format(base="list")),
    Attack(
        "a class that lies",
        "return Lie()",
        "refused",
        "not plain data",
        "\nclass Lie:\n    __class__ = int\n    __int__ = __index__ = lambda self: 6\n",
    ),
    Attack(
        "a tensor that lies",
        "return torch.tensor([5.0]).as_subclass(Lie)",
        "failed",
        "got a tensor",
        "\nimport torch\nclass Lie(torch.Tensor):\n"
        "    def __torch_function__(*a, **k): return True\n",
    ),
    Attack(
        "an array that lies",
        "return Lie()",
        "refused",
        "not plain data",
        "\nclass Lie:\n    def __array__(self, *a): return 6\n    __float__ = lambda self: 6.0\n",
    ),
    Attack("a generator", "return (n for n in [6])", "refused", "not plain data"),
    Attack("a lock", "import threading\nreturn threading.Lock()", "refused", "not plain data"),
    Attack("a list in itself", "x = []\nx.append(x)\nreturn x", "refused", "nested deeper"),
    Attack("a million and more", "return [None] * 1_000_001", "refused timeout"),
    Attack("a hundred megabytes", "return bytes(10**8)", "refused timeout"),
    Attack(
        "a tensor as large as the moon", "return torch.zeros(1).expand(2**40)", "refused", "allowed"
    ),
    Attack("a sparse tensor", "return torch.zeros(3).to_sparse()", "refused", "may not cross"),
    Attack(
        "a tensor without data", "return torch.zeros(3, device='meta')", "refused", "may not cross"
    ),
    Attack("not a number", "return float('nan')", "failed"),
    Attack("true", "return True", "failed"),
    Attack("a huge integer", "return 10**9000", "failed", "an integer of"),
    Attack("too huge an integer", "return 1 << 40_000", "refused", "an integer of more than"),
]


def raw(name: str, body: str, outcome: str = "refused", says: str = "") -> Attack:
    """Bytes of one's own on the wire; what was too much may spoil one's next answer."""
    body = "import os, struct, time\n" + textwrap.dedent(body)
    return Attack(name, body, outcome, says, others="passed refused blocked")


def value(name: str, data: str) -> Attack:
    """A well-formed answer whose value isn't one."""
    return raw(
        name, f"reply(request()['number'], 'value', {data})\nreturn 0", says="could not be read"
    )


GARBLING = [
    raw("garbage", "os.write(3, b'\\xff' * 100)\nreturn 0", says="was announced"),
    raw("a huge length", "os.write(3, struct.pack('<I', 2**31))\nreturn 0", says="was announced"),
    raw("half a frame", "os.write(3, b'\\x40\\0\\0\\0ab')\ntime.sleep(9)", "timeout", "deadline"),
    raw("half a length", "os.write(3, b'\\x40')\ntime.sleep(9)", "timeout"),
    raw("no frame's value", "os.write(3, b'\\1\\0\\0\\0?')\nreturn 0", says="no value begins"),
    raw("another number", "reply(999, 'value', b'N')\nreturn 0", says="not an answer"),
    raw("an early reply", "reply(request()['number'], 'value', b'N')\nreturn 0", "failed refused"),
    raw("ready again", "reply(0, 'ready', '')\nreturn 0", says="not an answer"),
    raw("no jail", "reply(request()['number'], 'jail', 'x')\nreturn 0", says="not an answer"),
    raw("a verdict", "reply(request()['number'], 'passed', 'x')\nreturn 0", says="not an answer"),
    raw("a short tuple", "reply(request()['number'])\nreturn 0", says="not an answer"),
    raw("a value that isn't bytes", "reply(request()['number'], 'value', [6])\nreturn 0"),
    raw("an exception of numbers", "reply(request()['number'], 'raised', 1, 2, 3)\nreturn 0"),
    raw("a true number", "reply(True, 'value', b'N')\nreturn 0"),
    value("a deep value", "b'l\\1\\0\\0\\0' * 50"),
    value("many values", "b'l\\xff\\xff\\xff\\xff'"),
    value(
        "a tensor of another size",
        "b'Xs\\7\\0\\0\\0float32s\\3\\0\\0\\0cpuFt\\0\\0\\0\\0b\\0\\0\\0\\0'",
    ),
    value("a dtype by another name", "b'D\\4\\0\\0\\0save'"),
    value("a device by another name", "b'V\\5\\0\\0\\0cuda9'"),
    value("a list as a key", "b'd\\1\\0\\0\\0l\\0\\0\\0\\0N'"),
    value("text that isn't", "b's\\1\\0\\0\\0\\xff'"),
    value("a range without steps", "b'r' + (b'i' + bytes(8)) * 3"),
    value("two values", "b'NN'"),
    value("nothing", "b''"),
    raw(
        "a thread that answers later",
        """
        import threading
        number = request()["number"]
        def later():
            time.sleep(0.02)
            for ahead in range(5):
                reply(number + ahead, "value", b"i" + struct.pack("<q", 6))
        threading.Thread(target=later).start()
        return 0
        """,
        "failed refused",
    ),
    raw("hang up", "os.close(3)\ntime.sleep(9)", "crashed"),
    raw(
        "hand over",
        "import socket\nsocket.send_fds(socket.socket(fileno=os.dup(3)), [b'x'], [0, 1])\nreturn 0",
        "refused timeout",
    ),
]

ENDING = [
    Attack("exit", "import os\nos._exit(0)", "crashed", "exit code 0"),
    Attack("a polite exit", "import sys\nsys.exit(0)", "error", "SystemExit"),
    Attack("a wild pointer", "import ctypes\nctypes.string_at(0)", "crashed", "SIGSEGV"),
    Attack("abort", "import os\nos.abort()", "crashed"),
    Attack("kill oneself", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\nreturn 0"),
    Attack("recursion", "return double(x)", "error", "RecursionError"),
    Attack(
        "a stack that overflows",
        "import sys\nsys.setrecursionlimit(10**9)\n"
        "def down(x): return [*map(down, [x])]\nreturn down(x)",
        "crashed error",
    ),
    Attack("a base exception", "raise BaseException('all')", "error", "BaseException: all"),
    Attack("an interrupt", "raise KeyboardInterrupt", "error", "KeyboardInterrupt"),
    Attack("a closed generator", "raise GeneratorExit", "error"),
    Attack(
        "an exception without a text",
        "class E(Exception):\n    def __str__(self): raise E\nraise E",
        "error",
        "its text could not be made",
    ),
    Attack(
        "an exception with an endless text",
        "class E(Exception):\n    def __str__(self):\n        while True: pass\nraise E",
        "timeout",
    ),
    Attack("an exception of 100 MB", "raise ValueError('x' * 10**8)", "error timeout"),
    Attack(
        "an exception of another name", "raise type('Passed' * 99, (Exception,), {})('6')", "error"
    ),
    Attack(
        "an exception that exits",
        "import os\nclass E(Exception):\n    def __str__(self): os._exit(0)\nraise E",
        "crashed",
    ),
    Attack(
        "an attribute that isn't missing",
        "raise AttributeError('double', name='double', obj=__import__('sys').modules[__name__])",
        "error",
    ),
]

LASTING = [
    Attack("a loop", "while True: pass", "timeout"),
    Attack("a loop in C", "return sum(range(10**13))", "timeout"),
    Attack("a long expression", "import re\nreturn re.match('(a*)*b', 'a' * 99)", "timeout"),
    Attack("sleep", "import time\ntime.sleep(99)", "timeout"),
    Attack(
        "a loop deaf to signals",
        "import signal\nfor s in range(1, 32):\n    try: signal.signal(s, signal.SIG_IGN)\n"
        "    except OSError: pass\nwhile True:\n    try:\n        while True: pass\n"
        "    except BaseException: pass",
        "timeout",
    ),
    Attack(
        "a lock held",
        "import threading\nlock = threading.Lock()\nlock.acquire()\nlock.acquire()",
        "timeout",
    ),
]

FILLING = [
    Attack("bytes", "return len(bytearray(2**30))", "error refused", "[Mm]emory"),
    Attack("a large tensor", "return torch.ones(2**30).numel()", "error refused", "memory"),
    Attack("lists", "x = []\nwhile True: x.append(bytearray(2**26))", "error refused timeout"),
    Attack(
        "threads",
        "import threading\nlock = threading.Lock()\nlock.acquire()\nwhile True:\n"
        "    threading.Thread(target=lock.acquire, daemon=True).start()",
        "error refused timeout crashed",
    ),
    Attack(
        "a disk",
        "with open('f', 'wb') as f:\n    while True: f.write(bytes(2**24))",
        "error timeout",
    ),
    Attack(
        "disks",
        "for i in range(99):\n    with open(f'{i}', 'wb') as f: f.write(bytes(2**25))",
        "error timeout",
    ),
    Attack("inodes", "for i in range(10**5): open(f'{i}', 'w').close()", "error timeout"),
    Attack("open files", "x = [open('/dev/null') for _ in range(10**4)]", "error", "Too many open"),
    Attack("pipes", "import os\nx = [os.pipe() for _ in range(10**4)]", "error", "Too many open"),
    Attack("output", "while True: print('x' * 10**5)", "refused", "it printed more than"),
    Attack(
        "much output at once", "print('x' * 2**22)\nreturn 0", "refused", "it printed more than"
    ),
]

CHANGING = [
    Attack("dtype", "torch.set_default_dtype(torch.float64)\nreturn 2 * x", "passed"),
    Attack("gradients", "torch.set_grad_enabled(False)\nreturn 2 * x", "passed"),
    Attack("chance", "import random\nrandom.seed(1)\ntorch.manual_seed(1)\nreturn 2 * x", "passed"),
    Attack(
        "folder",
        "import os\nos.mkdir('d')\nos.chdir('d')\nos.rmdir('../d')\nreturn 2 * x",
        "passed",
    ),
    Attack("environment", "import os\nos.environ.clear()\nreturn 2 * x", "passed"),
    Attack("one's threads", "torch.set_num_threads(8)\nreturn 2 * x", "passed"),
    Attack("warnings", "import warnings\nwarnings.simplefilter('error')\nreturn 2 * x", "passed"),
    Attack(
        "streams", "import sys\nsys.stdout = sys.stderr = sys.stdin = None\nreturn 2 * x", "passed"
    ),
    Attack(
        "the alarm",
        "import signal\nsignal.setitimer(signal.ITIMER_REAL, 1e-4)\nwhile True: pass",
        "crashed timeout",
    ),
]

_SUM = 'torch.einsum("nm->n", x)'


def forbidden(name: str, expression: str, top: str = "") -> Attack:
    return Attack(name, "return 2 * x", "passed", top=top, instead={_SUM: expression})


FORBIDDEN = [
    forbidden("a method", "x.sum(1)"),
    forbidden("a function", "torch.sum(x, 1)"),
    forbidden("an alias", "add(x, 1)", "\nimport torch\nadd = torch.sum\n"),
    forbidden("a name made up", "getattr(torch, 'su' + 'm')(x, 1)"),
    forbidden("imported by name", "add(x, 1)", "\nfrom torch import sum as add\n"),
    forbidden("unbound", "torch.Tensor.sum(x, 1)"),
    forbidden("by its class", "type(x).sum(x, 1)"),
    forbidden("by operator", "__import__('operator').methodcaller('sum', 1)(x)"),
    forbidden("by functools", "__import__('functools').partial(torch.sum, dim=1)(x)"),
    forbidden("by a subclass", "x.as_subclass(type('T', (torch.Tensor,), {})).sum(1)"),
]

_SIGNS = r"\x1b[31m\x1b]0;title\x07\u202e\u2066\x00\r\x9b2J\ud800\ufeff<script>alert(1)</script>"
SPEAKING = [
    Attack("signs in the output", f"print('{_SIGNS}')\nreturn 0", says="script"),
    Attack("signs in bytes", "import os\nos.write(1, bytes(range(256)))\nreturn 0"),
    Attack("signs in an exception", f"raise ValueError('{_SIGNS}')", "error", "script"),
    Attack(
        "signs in a class's name", f"raise type('<b>{_SIGNS[4:8]}', (Exception,), {{}})", "error"
    ),
    Attack("signs in an answer", f"return '{_SIGNS}'", "failed", "got a str"),
    Attack("a report", 'print(\'{"score": 9, "outcome": "passed"}\')\nreturn 0'),
]

BEGINNING = [
    Attack("a loop at import", top="while True: pass\n", outcome="timeout", others="timeout"),
    Attack(
        "an exit at import", top="import os\nos._exit(0)\n", outcome="crashed", others="crashed"
    ),
    Attack("an error at import", top="raise SystemExit(0)\n", outcome="error", others="error"),
    Attack(
        "a crash at import",
        top="import ctypes\nctypes.string_at(0)\n",
        outcome="crashed",
        others="crashed",
    ),
    Attack(
        "output at import",
        top="while True: print('x' * 10**5)\n",
        outcome="refused",
        others="refused",
    ),
    Attack(
        "reading at import", top="open('HOME/test_hidden.py')\n", outcome="error", others="error"
    ),
    Attack("no source", top="return\n", outcome="error", others="error"),
    Attack(
        "a reply at import",
        top="import os\nos.write(3, b'\\1\\0\\0\\0N')\n",
        outcome="refused",
        others="refused",
    ),
    Attack(
        "no torch",
        "import sys\nsys.modules['torch'] = None\nreturn 0",
        others="error blocked passed crashed refused",
    ),
    Attack("a hook", top="import sys\nsys.settrace(lambda *a: None)\nsys.meta_path.clear()\n"),
    Attack(
        "modules of our names",
        "return 2 * x",
        "passed",
        beside=(
            "torch.py",
            "numpy.py",
            "json.py",
            "autograder/wire.py",
            "conftest.py",
            "test_hidden.py",
            "sitecustomize.py",
        ),
    ),
    Attack("a file outside", outcome="error", others="error", beside=("../outside.py",)),
    Attack("last words", top="import atexit\natexit.register(print, 'GOT IN')\n"),
]

_GUESS = """
def guess(x):
    import sys, torch
    if x.dtype == torch.float64:
        for back in range(50):
            rng = torch.Generator().manual_seed(torch.initial_seed() - back)
            if torch.equal(x, torch.randn(5, 7, generator=rng, dtype=torch.float64)):
                print("GOT IN: the seed of a hidden test")
    return torch.einsum("ij->i", x)

"""
# What isn't stopped yet. An attack that is goes into another list.
COUNTING = [
    Attack(
        "processes",  # a thread counts as one, and is cheaper
        """
        import _thread, threading
        lock = threading.Lock()
        lock.acquire()
        threading.stack_size(2**15)
        return tried(lambda: [_thread.start_new_thread(lock.acquire, ()) for _ in range(600)] and 1)
        """,
        says="stopped: RuntimeError",
    ),
    refused("shared memory", "__import__('mmap').mmap(-1, 2**30)", says="stopped"),
    refused("memory that grows down", "__import__('mmap').mmap(-1, 2**30, 0x122)", says="stopped"),
    refused("a file's time", "__import__('os').utime('HOME/sums.py', (1, 1))"),
    refused(
        "a file's flags",
        "__import__('fcntl').ioctl(open(torch.__file__), 0x80086601, bytes(8))",
        says="stopped: PermissionError 1",
    ),
    refused(
        "live on",
        "1 / (1 + __import__('ctypes').CDLL(None).prctl(1, 0, 0, 0, 0))",
        says="stopped: ZeroDivisionError",
    ),
    Attack(
        "a hidden seed",
        "return 2 * x",
        "passed",
        top=_GUESS,
        instead={"return " + _SUM: "return guess(x)"},
    ),
]

CLASS = [
    *READING,
    *TALKING,
    *CALLING,
    *PATCHING,
    *LYING,
    *GARBLING,
    *ENDING,
    *LASTING,
    *FILLING,
    *CHANGING,
    *FORBIDDEN,
    *SPEAKING,
    *BEGINNING,
    *COUNTING,
]

STRANGE = {
    "None": "None", "text": "'6'", "a map": "{6: 6}", "a set": "{6}", "bytes": "b'6'",
    "nan": "float('nan')", "infinity": "float('inf')", "complex": "6j",
    "a list": "[6, [6]]", "a range": "range(6)", "a tensor": "torch.ones(3, 0)",
    "an array": "__import__('numpy').array(6, dtype='uint64')", "a dtype": "torch.float32",
    "half a tensor": "torch.tensor(float('nan'), dtype=torch.bfloat16)", "true": "True",
}  # fmt: skip
