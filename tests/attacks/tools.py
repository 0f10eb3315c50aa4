"""What attacks have in common: each is submitted with this file beside it."""

import ctypes
import os
import platform
import struct
import sys
import types

ARM = platform.machine() == "aarch64"
# name -> (x86_64, aarch64)
NUMBERS = {
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "pidfd_open": (434, 434), "pidfd_getfd": (438, 438), "kcmp": (312, 272),
    "unshare": (272, 97), "setns": (308, 268), "clone": (56, 220), "clone3": (435, 435),
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
    "fsopen": (430, 430), "open_tree": (428, 428), "move_mount": (429, 429),
    "memfd_create": (319, 279), "execveat": (322, 281), "bpf": (321, 280),
    "keyctl": (250, 219), "add_key": (248, 217), "perf_event_open": (298, 241),
    "userfaultfd": (323, 282), "io_uring_setup": (425, 425), "open_by_handle_at": (304, 265),
    "name_to_handle_at": (303, 264), "personality": (135, 92), "init_module": (175, 105),
    "kexec_load": (246, 104), "setuid": (105, 146), "setpriority": (141, 140),
    "shmget": (29, 194), "shmctl": (31, 195), "msgget": (68, 186), "msgctl": (71, 187),
    "semget": (64, 190), "semctl": (66, 191), "mq_open": (240, 180), "mknodat": (259, 33),
    "fchmodat": (268, 53), "linkat": (265, 37), "symlinkat": (266, 36), "utimensat": (280, 88),
    "inotify_init1": (294, 26), "inotify_add_watch": (254, 27), "openat": (257, 56),
    "sethostname": (170, 161), "setsid": (112, 157), "acct": (163, 89), "reboot": (169, 142),
    "clock_settime": (227, 112), "syslog": (103, 116), "quotactl": (179, 60),
    "process_madvise": (440, 440), "seccomp": (317, 277), "landlock_create_ruleset": (444, 444),
}  # fmt: skip


def tried(*actions):
    """Say what came of each: the exception that stopped us, or GOT IN."""
    for action in actions:
        try:
            got = action()
        except BaseException as error:
            print("stopped:", type(error).__name__, getattr(error, "errno", None) or "")
        else:
            print("GOT IN:", repr(got)[:1000])
    return 0


def syscall(name, *arguments):
    """The kernel called by number, past all that Python and libc would do."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    result = libc.syscall(ctypes.c_long(NUMBERS[name][ARM]), *map(_argument, arguments))
    if result < 0:
        raise OSError(ctypes.get_errno(), name)
    return result


def _argument(value):
    return ctypes.c_long(value) if isinstance(value, int) else value


def request():
    """The question that this process answers, as its own frames hold it."""
    frame = sys._getframe()
    while frame and not hasattr(frame.f_locals.get("request"), "number"):
        frame = frame.f_back
    return frame.f_locals["request"] if frame else types.SimpleNamespace(number=1, seed=0)


def reply(kind, /, **parts):
    """Write a message of our own to the socket."""
    import msgspec

    data = msgspec.msgpack.encode({"type": kind, **parts})
    os.write(3, struct.pack("<I", len(data)) + data)


def six():
    """The bytes of the answer that the visible test of `double` expects."""
    from autograder.sandbox import wire

    return wire.encode(6)
