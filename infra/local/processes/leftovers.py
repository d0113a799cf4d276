"""One stack per folder, and nothing left of the one before.

A process of a stack carries the name of its log file in its environment (`processes.LOG_MARK`), so
that a later start finds what a supervisor that was killed could not end, and nothing else.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from signal import SIGKILL

from infra.local.processes import proc
from infra.local.processes.children import LOG_MARK, wait_until


class FolderInUse(RuntimeError):
    """Another supervisor runs in the folder."""


@contextmanager
def only_one_in(folder: Path) -> Iterator[None]:
    """Hold ``folder`` for this process; the kernel gives it back however the process ends.

    Raises
    ------
    FolderInUse
        Another process holds it; the text says which.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "stack.lock").open("a+", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            raise FolderInUse(
                f"a stack runs in {folder} already (process {lock.read().strip() or 'unknown'}); "
                "stop that one first, or use another folder"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def end_leftovers(logs: Path) -> int:
    """End the processes whose logs are in the folder ``logs``; how many there were."""
    found = proc.with_environment(LOG_MARK, f"{logs}/")
    for pid in found:
        with suppress(ProcessLookupError):
            os.kill(pid, SIGKILL)
    wait_until(lambda: not proc.with_environment(LOG_MARK, f"{logs}/"), seconds=10)
    return len(found)
