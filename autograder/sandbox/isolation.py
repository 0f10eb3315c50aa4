"""What a process gives up before it runs untrusted code.

Isolation layers, each optional by what the machine offers: `landlock` (which files), `seccomp`
(which system calls), `namespaces` (its own processes, network, mounts and user) or else `uid`
(another user), `rlimits` (how much).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import re
import resource
import signal
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

from autograder.limits import Limits

OTHER_UID = 61184  # unused user ids begin here: for root, where there are no user namespaces
LIBC = ctypes.CDLL(None, use_errno=True)
# Which column of a table of system calls is this machine's; None where there is none.
MACHINE = {"x86_64": 0, "aarch64": 1}.get(platform.machine()) if sys.platform == "linux" else None

CLONE = (56, 220)
_SECCOMP = (317, 277)
_CAPSET = (126, 91)
LANDLOCK = (444, 445, 446)  # create_ruleset, add_rule, restrict_self: the same everywhere

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x20000, 0x4000000, 0x8000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
CLONE_NEWCGROUP, CLONE_NEWTIME = 0x2000000, 0x80
NAMESPACES = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS
ALL_NAMESPACES = NAMESPACES | CLONE_NEWCGROUP

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS = 1, 4, 38
MS_NOSUID, MS_NODEV, MS_REC, MS_PRIVATE = 2, 4, 0x4000, 0x40000


def fork(flags: int) -> int:
    """`os.fork` into new namespaces: 0 in the child. Raises OSError where the kernel refuses."""
    api = ctypes.pythonapi
    sys.stdout.flush()
    api.PyOS_BeforeFork()
    # A clone without a stack of its own behaves as fork does.
    pid = LIBC.syscall(CLONE[MACHINE or 0], ctypes.c_ulong(flags | signal.SIGCHLD), 0, 0, 0, 0)
    error = ctypes.get_errno()
    if pid == 0:
        api.PyOS_AfterFork_Child()
        return 0
    api.PyOS_AfterFork_Parent()
    if pid < 0:
        raise OSError(error, os.strerror(error))
    return int(pid)


def landlock_abi() -> int:
    """The kernel's Landlock version, 0 where there is none."""
    if MACHINE is None:
        return 0
    return max(0, int(LIBC.syscall(LANDLOCK[0], None, 0, 1)))


def limit_processes(count: int) -> None:
    """Cap a process-id namespace, since RLIMIT_NPROC does not bind root.

    Linux 6.14 and newer have pid_max per namespace, 301 at least; older ones refuse.
    """
    with contextlib.suppress(OSError):
        Path("/proc/sys/kernel/pid_max").write_text(str(301 + count))


def die_with_parent(parent: int) -> None:
    """Ask the kernel for SIGKILL when the parent ends; exit at once if it has ended already."""
    if sys.platform == "linux":
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if parent and os.getppid() not in (parent, 0):
            os._exit(1)


def map_ids(uid: int, gid: int) -> None:
    """Become `nobody` in a new user namespace; uid, gid: the ids outside of it."""
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"65534 {uid} 1"),
        ("gid_map", f"65534 {gid} 1"),
    ):
        Path("/proc/self", name).write_text(text)


def private_mounts() -> None:
    """Later mounts are visible in this namespace only."""
    _check(LIBC.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None), "mount")


def private_folder(folder: str, mib: int) -> None:
    """Mount a small private disk on `folder`; it ends with the namespace."""
    options = f"size={mib}m,nr_inodes=1k,mode=700".encode()
    path = os.fsencode(folder)
    _check(LIBC.mount(b"tmpfs", path, b"tmpfs", MS_NOSUID | MS_NODEV, options), "tmpfs")


def become(uid: int) -> None:
    """Change to another user for good."""
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def end_user(uid: int) -> None:
    """Kill the processes of this user."""
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
    _check(LIBC.syscall(_CAPSET[MACHINE or 0], header, bytes(24)), "capset")


def limit(limits: Limits) -> None:
    """Cap memory (beyond what is mapped now), seconds of CPU, files, processes."""
    caps = {
        resource.RLIMIT_CPU: (limits.cpu, limits.cpu + 1),
        resource.RLIMIT_FSIZE: (limits.file_mib * 2**20,) * 2,
        resource.RLIMIT_CORE: (0, 0),
        resource.RLIMIT_NOFILE: (limits.open_files,) * 2,
        resource.RLIMIT_NPROC: (limits.processes,) * 2,
        resource.RLIMIT_MEMLOCK: (0, 0),
    }
    if limits.memory_mib and sys.platform == "linux":
        # AS would count what torch merely reserves; DATA counts private writable memory.
        status = Path("/proc/self/status").read_text()
        mapped = int(re.findall(r"VmData:\s+(\d+)", status)[0]) * 1024
        caps[resource.RLIMIT_DATA] = (mapped + limits.memory_mib * 2**20,) * 2
    for name, (soft, hard) in caps.items():
        most = resource.getrlimit(name)[1]
        if most != resource.RLIM_INFINITY:
            soft, hard = min(soft, most), min(hard, most)
        with contextlib.suppress(ValueError, OSError):  # a system that lacks this one
            resource.setrlimit(name, (soft, hard))


def no_new_privileges() -> None:
    """No program started from here can gain rights; Landlock and seccomp ask for it."""
    _check(LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    LIBC.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


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
    ruleset = _check(LIBC.syscall(LANDLOCK[0], attributes, size, 0), "landlock")
    read_file, read_folder, execute = 1 << 2, 1 << 3, 1
    for path in readable:
        _allow(ruleset, path, read_file | read_folder)
    for path in writable:
        _allow(ruleset, path, rights & ~execute)
    _check(LIBC.syscall(LANDLOCK[2], ruleset, 0), "landlock")
    os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    if not os.path.isdir(path):
        rights &= 1 | 2 | 4 | (1 << 14)  # what makes sense for a file
    rule = struct.pack("=Qi", rights, fd)
    _check(LIBC.syscall(LANDLOCK[1], ruleset, 1, rule, 0), f"landlock {path}")
    os.close(fd)


def restrict_calls(program: bytes) -> None:
    """seccomp: only the system calls that `program` allows, in all threads to come."""
    code = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(code))
    buffer = ctypes.create_string_buffer(header, len(header))
    _check(LIBC.syscall(_SECCOMP[MACHINE or 0], 1, 0, buffer), "seccomp")


def _check(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result
