"""Ends the process groups of a supervisor that died without stopping them, even by ``kill -9``.

The watchdog is a small process that reads the groups to watch from a pipe. The kernel closes the
pipe when the supervisor ends, however it ends; what is still on the list is stopped then. It
exists while there is something to watch.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO

from infra.local.processes import proc

_GRACE_SECONDS = 10
_POLL_SECONDS = 0.1

_lock = threading.Lock()
_watched: set[int] = set()
_process: subprocess.Popen[str] | None = None


def watch(group: int) -> None:
    """Have ``group`` ended when this process ends."""
    global _process
    with _lock:
        if _process is None:
            _process = subprocess.Popen(
                [sys.executable, "-S", "-m", "infra.local.processes.watchdog"],
                env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[3])},
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                text=True,
                # Neither Ctrl-C nor a kill of the supervisor's group may reach it.
                start_new_session=True,
            )
            atexit.register(_close)
        _watched.add(group)
        _tell(f"+ {group} {proc.started_at(group)}")


def forget(group: int) -> None:
    """``group`` has ended; after the last one the watchdog ends too."""
    with _lock:
        if group not in _watched:
            return
        _watched.discard(group)
        _tell(f"- {group}")
    if not _watched:
        _close()


def _tell(line: str) -> None:
    if _process is not None and _process.stdin is not None:
        # A watchdog that was killed only takes its own protection away.
        with contextlib.suppress(BrokenPipeError):
            _process.stdin.write(line + "\n")
            _process.stdin.flush()


def _close() -> None:
    global _process
    with _lock:
        ending, _process = _process, None
        atexit.unregister(_close)
    if ending is not None:
        with contextlib.suppress(BrokenPipeError):
            ending.communicate()


def _read(lines: IO[str]) -> dict[int, str]:
    groups: dict[int, str] = {}
    for line in lines:
        sign, group, *started = line.split()
        if sign == "+":
            groups[int(group)] = started[0] if started else ""
        else:
            groups.pop(int(group), None)
    return groups


def _end(groups: dict[int, str]) -> None:
    deadline = time.monotonic() + _GRACE_SECONDS
    ours = {g for g, started in groups.items() if proc.started_at(g) in ("", started)}
    for number in (signal.SIGTERM, signal.SIGKILL):
        for group in ours:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, number)
        while time.monotonic() < deadline and any(proc.group_members(g) for g in ours):
            time.sleep(_POLL_SECONDS)
        ours = {g for g in ours if proc.group_members(g)}


if __name__ == "__main__":
    _end(_read(sys.stdin))
