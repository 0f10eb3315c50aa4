"""What a process gives up before it runs foreign code.

Layers, each optional by what the machine offers: `landlock` (which files), `seccomp` (which
system calls), `namespaces` (its own processes, network, mounts and user) or else `uid`
(another user), `rlimits` (how much). Numbers of system calls are Linux's, for x86_64 and aarch64.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import functools
import os
import platform
import re
import resource
import signal
import struct
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

LAYERS = ("landlock", "seccomp", "namespaces", "uid", "rlimits")
OTHER_UID = 61184  # from here on nobody's: what root becomes where there are no user namespaces
WITHOUT = {
    "landlock": "a submission could read files of this machine",
    "seccomp": "a submission could use the network and start programs",
    "namespaces": "a submission could see and signal other processes of this user",
    "uid": "a submission could do what this user may",
    "rlimits": "a submission could use up memory and disk",
}

_LIBC = ctypes.CDLL(None, use_errno=True)
_MACHINES = {"x86_64": 0, "aarch64": 1}
_MACHINE = _MACHINES.get(platform.machine()) if sys.platform == "linux" else None

_CLONE = (56, 220)
_CLONE3 = (435, 435)
_SECCOMP = (317, 277)
_CAPSET = (126, 91)
_LANDLOCK = (444, 445, 446)  # create_ruleset, add_rule, restrict_self: the same everywhere

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x20000, 0x4000000, 0x8000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
CLONE_NEWCGROUP, CLONE_NEWTIME = 0x2000000, 0x80
NAMESPACES = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS = 1, 4, 38
MS_NOSUID, MS_NODEV, MS_REC, MS_PRIVATE = 2, 4, 0x4000, 0x40000

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
    # the clock, chance, who and where
    "clock_gettime": (228, 113), "clock_getres": (229, 114), "gettimeofday": (96, 169),
    "time": (201, None), "times": (100, 153), "getrandom": (318, 278), "uname": (63, 160),
    "sysinfo": (99, 179), "getrusage": (98, 165), "getrlimit": (97, 163),
    "setrlimit": (160, 164), "prlimit64": (302, 261),
    # the one socket that it was born with
    "recvfrom": (45, 207), "sendto": (44, 206), "recvmsg": (47, 212), "sendmsg": (46, 211),
    "shutdown": (48, 210), "getsockopt": (55, 209), "getsockname": (51, 204),
    "getpeername": (52, 205),
}  # fmt: skip

# Calls whose verdict hangs on one argument: (numbers, which argument, cases, otherwise). The
# first case that holds decides: "any" of these bits is set, or the value "is" this one after
# all but the bits of "mask" are cleared.
Cases = tuple[tuple[str, int, bool], ...]
BY_ARGUMENT: dict[str, tuple[tuple[int, int], int, Cases, bool]] = {
    # no new namespaces (the low byte is the signal at exit)
    "clone": (_CLONE, 0, (("any", (NAMESPACES | CLONE_NEWCGROUP) & ~0xFF, False),), True),
    # memory that RLIMIT_DATA doesn't count: MAP_GROWSDOWN, MAP_SHARED with MAP_ANONYMOUS
    "mmap": (
        (9, 222), 3,
        (("any", 0x100, False), ("mask", 0x21, False), ("is", 0x21, False)), True,
    ),
    # it could outlive its parent, or leave a core
    "prctl": (
        (157, 167), 0,
        (("is", PR_SET_PDEATHSIG, False), ("is", PR_SET_DUMPABLE, False)), True,
    ),
    # is it a terminal, how wide, how much is there; blocking, close-on-exec
    "ioctl": (
        (16, 29), 1,
        tuple(("is", n, True) for n in (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)), False,
    ),
}  # fmt: skip


def fork(flags: int) -> int:
    """`os.fork` into new namespaces: 0 in the child. Raises OSError where the kernel refuses."""
    api = ctypes.pythonapi
    sys.stdout.flush()
    api.PyOS_BeforeFork()
    # A clone without a stack of its own behaves as fork does.
    pid = _LIBC.syscall(_CLONE[_MACHINE or 0], ctypes.c_ulong(flags | signal.SIGCHLD), 0, 0, 0, 0)
    error = ctypes.get_errno()
    if pid == 0:
        api.PyOS_AfterFork_Child()
        return 0
    api.PyOS_AfterFork_Parent()
    if pid < 0:
        raise OSError(error, os.strerror(error))
    return int(pid)


@functools.cache
def landlock_abi() -> int:
    """The kernel's Landlock version, 0 where there is none."""
    if _MACHINE is None:
        return 0
    return max(0, int(_LIBC.syscall(_LANDLOCK[0], None, 0, 1)))


@functools.cache
def available() -> tuple[str, ...]:
    """The layers that this machine offers, tried once on a child that ends at once."""
    found = []
    if landlock_abi() >= 1:
        found.append("landlock")
    if _MACHINE is not None and Path("/proc/sys/kernel/seccomp").exists():
        found.append("seccomp")
    if _MACHINE is not None and _namespaces_work():
        found.append("namespaces")
    elif os.geteuid() == 0 and _other_uid_reads_python():
        found.append("uid")
    if sys.platform != "win32":
        found.append("rlimits")
    return tuple(layer for layer in LAYERS if layer in found)


def strong(layers: Iterable[str]) -> bool:
    """Whether these layers hold a hostile submission."""
    layers = set(layers)
    return {"landlock", "seccomp", "rlimits"} <= layers and bool({"namespaces", "uid"} & layers)


def _namespaces_work() -> bool:
    uid, gid = os.getuid(), os.getgid()  # inside of the new namespace we are nobody
    try:
        pid = fork(NAMESPACES)
    except OSError:
        return False
    if pid == 0:
        try:
            map_ids(uid, gid)
            private_mounts()
            os._exit(0)
        except BaseException:
            os._exit(1)
    return os.waitpid(pid, 0)[1] == 0


def _other_uid_reads_python() -> bool:
    """Whether another user can import: not where Python lies in a private home."""
    pid = os.fork()
    if pid == 0:
        try:
            become(OTHER_UID)
            for path in readable_folders():
                os.stat(path)
            os._exit(0)
        except BaseException:
            os._exit(1)
    return os.waitpid(pid, 0)[1] == 0


def limit_processes(count: int) -> None:
    """Cap a process-id namespace. RLIMIT_NPROC spares root's user, who we may be outside.

    Linux 6.14 and newer have pid_max per namespace, 301 at least; older ones refuse.
    """
    with contextlib.suppress(OSError):
        Path("/proc/sys/kernel/pid_max").write_text(str(301 + count))


def die_with_parent(parent: int) -> None:
    """Be killed when the parent goes; end at once if it is gone already."""
    if sys.platform == "linux":
        _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if parent and os.getppid() not in (parent, 0):
            os._exit(1)


def map_ids(uid: int, gid: int) -> None:
    """Become nobody in a new user namespace; uid, gid: who we are outside."""
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"65534 {uid} 1"),
        ("gid_map", f"65534 {gid} 1"),
    ):
        Path("/proc/self", name).write_text(text)


def private_mounts() -> None:
    """What is mounted from here on is seen here only."""
    _check(_LIBC.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None), "mount")


def private_folder(folder: str, mib: int) -> None:
    """A small disk of its own over `folder`, gone with the namespace."""
    options = f"size={mib}m,nr_inodes=1k,mode=700".encode()
    path = os.fsencode(folder)
    _check(_LIBC.mount(b"tmpfs", path, b"tmpfs", MS_NOSUID | MS_NODEV, options), "tmpfs")


def become(uid: int) -> None:
    """Be another user, for good."""
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def end_user(uid: int) -> None:
    """Kill what this user left behind."""
    pid = os.fork()
    if pid == 0:
        try:
            become(uid)
            os.kill(-1, signal.SIGKILL)
        finally:
            os._exit(0)
    os.waitpid(pid, 0)


def drop_capabilities() -> None:
    """Give up what the new user namespace gave."""
    header = struct.pack("Ii", 0x20080522, 0)
    _check(_LIBC.syscall(_CAPSET[_MACHINE or 0], header, bytes(24)), "capset")


def limit(memory_mib: int, cpu: int, file_mib: int, processes: int, open_files: int) -> None:
    """Cap memory (beyond what is mapped now), seconds of CPU, files, processes."""
    caps = {
        resource.RLIMIT_CPU: (cpu, cpu + 1),
        resource.RLIMIT_FSIZE: (file_mib * 2**20,) * 2,
        resource.RLIMIT_CORE: (0, 0),
        resource.RLIMIT_NOFILE: (open_files, open_files),
        resource.RLIMIT_NPROC: (processes, processes),
        resource.RLIMIT_MEMLOCK: (0, 0),
    }
    if memory_mib and sys.platform == "linux":
        # AS would count what torch merely reserves; DATA counts private writable memory.
        status = Path("/proc/self/status").read_text()
        mapped = int(re.findall(r"VmData:\s+(\d+)", status)[0]) * 1024
        caps[resource.RLIMIT_DATA] = (mapped + memory_mib * 2**20,) * 2
    for name, (soft, hard) in caps.items():
        most = resource.getrlimit(name)[1]
        if most != resource.RLIM_INFINITY:
            soft, hard = min(soft, most), min(hard, most)
        with contextlib.suppress(ValueError, OSError):  # a system that lacks this one
            resource.setrlimit(name, (soft, hard))


def no_new_privileges() -> None:
    """No program started from here can gain rights; Landlock and seccomp ask for it."""
    _check(_LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    _LIBC.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def readable_folders(keep_out: Iterable[Path] = ()) -> list[str]:
    """Where Python and its libraries lie; none that holds one of `keep_out`."""
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    paths = [sysconfig.get_path(name) for name in names]
    paths += [os.path.join(sys.base_prefix, "lib"), "/lib", "/lib64", "/usr/lib", "/usr/lib64"]
    paths += ["/usr/share/zoneinfo", "/etc/ld.so.cache"]
    # where a .pth file or PYTHONPATH brought in another environment's libraries
    paths += [p for p in sys.path if os.path.basename(p) in ("site-packages", "dist-packages")]
    real = dict.fromkeys(os.path.realpath(path) for path in paths if os.path.exists(path))
    secret = [path.resolve() for path in keep_out]
    return [path for path in real if not any(s.is_relative_to(path) for s in secret)]


def restrict_files(readable: Iterable[str], writable: Iterable[str]) -> None:
    """Landlock: read below `readable`, read and write (never execute) below `writable`."""
    abi = landlock_abi()
    rights = (1 << 13) - 1
    for version, right in ((2, 13), (3, 14), (5, 15)):  # refer, truncate, ioctl on devices
        if abi >= version:
            rights |= 1 << right
    network = 3 if abi >= 4 else 0
    scoped = 3 if abi >= 6 else 0
    size = 24 if abi >= 6 else 16 if abi >= 4 else 8
    attributes = struct.pack("QQQ", rights, network, scoped)[:size]
    ruleset = _check(_LIBC.syscall(_LANDLOCK[0], attributes, size, 0), "landlock")
    read_file, read_folder, execute = 1 << 2, 1 << 3, 1
    for path in readable:
        _allow(ruleset, path, read_file | read_folder)
    for path in writable:
        _allow(ruleset, path, rights & ~execute)
    _check(_LIBC.syscall(_LANDLOCK[2], ruleset, 0), "landlock")
    os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    if not os.path.isdir(path):
        rights &= 1 | 2 | 4 | (1 << 14)  # what makes sense for a file
    rule = struct.pack("=Qi", rights, fd)
    _check(_LIBC.syscall(_LANDLOCK[1], ruleset, 1, rule, 0), f"landlock {path}")
    os.close(fd)


@functools.cache
def _filter() -> tuple[int, ctypes.Array[ctypes.c_char]]:
    """The seccomp program: (instructions, their bytes). Build it before the forks."""
    machine = _MACHINE or 0
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
    code += [(equal, 0, 1, _CLONE3[machine]), (end, 0, 0, refuse | errno.ENOSYS)]
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
    packed = b"".join(struct.pack("HBBI", *line) for line in code)
    return len(code), ctypes.create_string_buffer(packed, len(packed))


def restrict_calls() -> None:
    """seccomp: only the system calls of `ALLOWED`, in all threads to come."""
    length, code = _filter()
    program = struct.pack("HxxxxxxQ", length, ctypes.addressof(code))
    buffer = ctypes.create_string_buffer(program, len(program))
    _check(_LIBC.syscall(_SECCOMP[_MACHINE or 0], 1, 0, buffer), "seccomp")


def _check(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result
