"""What ``/proc`` tells about processes (https://man7.org/linux/man-pages/man5/proc.5.html).

It uses the standard library alone: the watchdog runs it, too.
"""

from __future__ import annotations

import os
from pathlib import Path

_PROC = Path("/proc")
_ENDED = frozenset({"Z", "X"})


def group_members(group: int) -> tuple[int, ...]:
    """The processes of a process group; those that have ended and wait for their parent are not.

    Where there is no ``/proc``, the group stands for its members.
    """
    if not _PROC.is_dir():
        return (group,) if _group_exists(group) else ()
    members = []
    for folder in _PROC.iterdir():
        if not folder.name.isdigit():
            continue
        fields = _stat(int(folder.name))
        if fields and fields[0] not in _ENDED and int(fields[2]) == group:
            members.append(int(folder.name))
    return tuple(members)


def with_environment(name: str, prefix: str) -> tuple[int, ...]:
    """The processes that were started with a variable ``name`` whose value has that beginning.

    Those of other users stay unseen, and so do those that have ended and wait for their parent.
    """
    wanted = f"{name}={prefix}".encode()
    found = []
    for folder in _PROC.iterdir() if _PROC.is_dir() else ():
        if not folder.name.isdigit():
            continue
        try:
            variables = (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if any(variable.startswith(wanted) for variable in variables):
            found.append(int(folder.name))
    return tuple(found)


def started_at(pid: int) -> str:
    """When a process started, in clock ticks since boot; with the pid it names one process.

    Empty when there is no such process.
    """
    fields = _stat(pid)
    return fields[19] if fields else ""


def _stat(pid: int) -> list[str]:
    """The fields of ``stat`` from the third, the state, on; the second may hold any character."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()


def _group_exists(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
