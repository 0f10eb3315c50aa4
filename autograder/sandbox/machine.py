"""What this machine offers for isolation: found once, on the trusted side."""

from __future__ import annotations

import functools
import os
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

from autograder.sandbox import isolation

LAYERS = ("landlock", "seccomp", "namespaces", "uid", "rlimits")
RISK_WITHOUT = {
    "landlock": "a submission could read files of this machine",
    "seccomp": "a submission could use the network and start programs",
    "namespaces": "a submission could see and signal other processes of this user",
    "uid": "a submission could do what this user may do",
    "rlimits": "a submission could use up memory and disk",
}


@functools.cache
def available() -> tuple[str, ...]:
    """The layers that this machine offers, tried once on a child that ends at once."""
    found = []
    if isolation.landlock_abi() >= 1:
        found.append("landlock")
    if isolation.MACHINE is not None and Path("/proc/sys/kernel/seccomp").exists():
        found.append("seccomp")
    if isolation.MACHINE is not None and _namespaces_work():
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
    uid, gid = os.getuid(), os.getgid()  # in the new namespace the user is nobody
    try:
        pid = isolation.fork(isolation.NAMESPACES)
    except OSError:
        return False
    if pid == 0:
        try:
            isolation.map_ids(uid, gid)
            isolation.private_mounts()
            os._exit(0)
        except BaseException:
            os._exit(1)
    return os.waitpid(pid, 0)[1] == 0


def _other_uid_reads_python() -> bool:
    """Whether another user can import: not where Python lies in a private home."""
    pid = os.fork()
    if pid == 0:
        try:
            isolation.become(isolation.OTHER_UID)
            for path in readable_folders():
                os.stat(path)
            os._exit(0)
        except BaseException:
            os._exit(1)
    return os.waitpid(pid, 0)[1] == 0


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
