"""The system calls that a worker may make, and the seccomp program that enforces the list.

Numbers are Linux's, for x86_64 and aarch64. The trusted side builds the program once and sends it
to the worker server.
"""

from __future__ import annotations

import errno
import functools
import struct

from autograder.sandbox import isolation

CLONE3 = (435, 435)

# What Python and torch's CPU paths call; all else is refused with EPERM.
# name -> (x86_64, aarch64); None where the architecture has no such call.
ALLOWED: dict[str, tuple[int, int | None]] = {
    # files
    "read": (0, 63), "write": (1, 64), "readv": (19, 65), "writev": (20, 66),
    "pread64": (17, 67), "pwrite64": (18, 68), "open": (2, None), "openat": (257, 56),
    "close": (3, 57), "close_range": (436, 436), "lseek": (8, 62), "stat": (4, None),
    "fstat": (5, 80), "lstat": (6, None), "newfstatat": (262, 79), "statx": (332, 291),
    "access": (21, None), "faccessat": (269, 48), "faccessat2": (439, 439),
    "readlink": (89, None), "readlinkat": (267, 78), "getdents": (78, None),
    "getdents64": (217, 61), "getcwd": (79, 17), "chdir": (80, 49), "fchdir": (81, 50),
    "mkdir": (83, None), "mkdirat": (258, 34), "rmdir": (84, None), "unlink": (87, None),
    "unlinkat": (263, 35), "rename": (82, None), "renameat": (264, 38),
    "renameat2": (316, 276), "truncate": (76, 45), "ftruncate": (77, 46),
    "fallocate": (285, 47), "fsync": (74, 82), "fdatasync": (75, 83),
    "umask": (95, 166), "copy_file_range": (326, 285), "sendfile": (40, 71),
    "fadvise64": (221, 223), "statfs": (137, 43), "fstatfs": (138, 44), "dup": (32, 23),
    "dup2": (33, None), "dup3": (292, 24), "pipe": (22, None), "pipe2": (293, 59),
    "fcntl": (72, 25),
    # waiting
    "poll": (7, None), "ppoll": (271, 73), "select": (23, None), "pselect6": (270, 72),
    "epoll_create1": (291, 20), "epoll_ctl": (233, 21), "epoll_wait": (232, None),
    "epoll_pwait": (281, 22), "eventfd2": (290, 19), "pause": (34, None),
    "nanosleep": (35, 101), "clock_nanosleep": (230, 115), "futex": (202, 98),
    "futex_waitv": (449, 449), "restart_syscall": (219, 128),
    # memory
    "munmap": (11, 215), "mprotect": (10, 226), "mremap": (25, 216),
    "madvise": (28, 233), "brk": (12, 214), "mincore": (27, 232), "msync": (26, 227),
    "membarrier": (324, 283), "get_mempolicy": (239, 236),
    # threads and processes: their own only
    "fork": (57, None), "vfork": (58, None), "exit": (60, 93),
    "exit_group": (231, 94), "wait4": (61, 260), "waitid": (247, 95), "kill": (62, 129),
    "tkill": (200, 130), "tgkill": (234, 131), "set_robust_list": (273, 99),
    "get_robust_list": (274, 100), "rseq": (334, 293), "set_tid_address": (218, 96),
    "gettid": (186, 178), "getpid": (39, 172), "getppid": (110, 173), "getuid": (102, 174),
    "geteuid": (107, 175), "getgid": (104, 176), "getegid": (108, 177),
    "getgroups": (115, 158), "getresuid": (118, 148), "getresgid": (120, 150),
    "getpgrp": (111, None), "getpgid": (121, 155), "getsid": (124, 156),
    "sched_yield": (24, 124), "sched_getaffinity": (204, 123),
    "sched_setaffinity": (203, 122), "sched_getparam": (143, 121),
    "sched_getscheduler": (145, 120), "getcpu": (309, 168), "getpriority": (140, 141),
    "arch_prctl": (158, None), "capget": (125, 90),
    # signals and timers
    "alarm": (37, None), "setitimer": (38, 103), "getitimer": (36, 102),
    "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139),
    "rt_sigpending": (127, 136), "rt_sigsuspend": (130, 133), "rt_sigtimedwait": (128, 137),
    "sigaltstack": (131, 132), "timer_create": (222, 107), "timer_settime": (223, 110),
    "timer_delete": (226, 111), "timerfd_create": (283, 85), "timerfd_settime": (286, 86),
    # the clock, random numbers, who and where
    "clock_gettime": (228, 113), "clock_getres": (229, 114), "gettimeofday": (96, 169),
    "time": (201, None), "times": (100, 153), "getrandom": (318, 278), "uname": (63, 160),
    "sysinfo": (99, 179), "getrusage": (98, 165), "getrlimit": (97, 163),
    "setrlimit": (160, 164), "prlimit64": (302, 261),
    # the one socket that it was born with
    "recvfrom": (45, 207), "sendto": (44, 206), "recvmsg": (47, 212), "sendmsg": (46, 211),
    "shutdown": (48, 210), "getsockopt": (55, 209), "getsockname": (51, 204),
    "getpeername": (52, 205),
}  # fmt: skip

# Calls that depend on one argument: (numbers, which argument, cases, otherwise). The
# first case that holds decides: "any" of these bits is set, or the value "is" this one after
# all but the bits of "mask" are cleared.
Cases = tuple[tuple[str, int, bool], ...]
BY_ARGUMENT: dict[str, tuple[tuple[int, int], int, Cases, bool]] = {
    # no new namespaces (the low byte is the signal at exit)
    "clone": (isolation.CLONE, 0, (("any", isolation.ALL_NAMESPACES & ~0xFF, False),), True),
    # memory that RLIMIT_DATA doesn't count: MAP_GROWSDOWN, MAP_SHARED with MAP_ANONYMOUS
    "mmap": (
        (9, 222), 3,
        (("any", 0x100, False), ("mask", 0x21, False), ("is", 0x21, False)), True,
    ),
    # it could outlive its parent, or leave a core
    "prctl": (
        (157, 167), 0,
        (
            ("is", isolation.PR_SET_PDEATHSIG, False),
            ("is", isolation.PR_SET_DUMPABLE, False),
        ), True,
    ),
    # is it a terminal, how wide, how much is there; blocking, close-on-exec
    "ioctl": (
        (16, 29), 1,
        tuple(("is", n, True) for n in (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)), False,
    ),
}  # fmt: skip


@functools.cache
def program() -> bytes:
    """The seccomp program, 8 bytes an instruction."""
    machine = isolation.MACHINE or 0
    load, equal, at_least, any_bit, mask, end = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
    allow, refuse, kill = 0x7FFF0000, 0x00050000, 0x80000000
    code: list[tuple[int, int, int, int]] = [
        (load, 0, 0, 4),
        (equal, 1, 0, (0xC000003E, 0xC00000B7)[machine]),
        (end, 0, 0, kill),  # another architecture's numbering
        (load, 0, 0, 0),
    ]
    if machine == 0:
        code += [(at_least, 0, 1, 0x40000000), (end, 0, 0, kill)]  # the x32 range
    # clone3 hides its flags from a filter; glibc falls back to clone when it isn't there.
    code += [(equal, 0, 1, CLONE3[machine]), (end, 0, 0, refuse | errno.ENOSYS)]
    for calls, argument, cases, otherwise in BY_ARGUMENT.values():
        inner = [(load, 0, 0, 16 + 8 * argument)]
        for kind, value, good in cases:
            if kind == "mask":
                inner.append((mask, 0, 0, value))
                continue
            inner.append((any_bit if kind == "any" else equal, 0, 1, value))
            inner.append((end, 0, 0, allow if good else refuse | errno.EPERM))
        inner.append((end, 0, 0, allow if otherwise else refuse | errno.EPERM))
        code += [(equal, 0, len(inner), calls[machine]), *inner]
    for numbers in ALLOWED.values():
        number = numbers[machine]
        if number is not None:
            code += [(equal, 0, 1, number), (end, 0, 0, allow)]
    code.append((end, 0, 0, refuse | errno.EPERM))
    return b"".join(struct.pack("HBBI", *line) for line in code)
