"""A supervisor in a process of its own, and what is left of it."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from infra.local.processes import proc
from infra.local.processes.children import LOG_MARK, ROOT

_MARK = "SUPERVISOR_UNDER_TEST"

_WAITING = """
import sys, signal
from pathlib import Path
from infra.local.stack import Stack
with Stack(Path(sys.argv[1]), only=sys.argv[2:]):
    print("up", flush=True)
    signal.pause()
"""


class Supervisor:
    """A process that holds some parts of a stack, once it has said ``up``."""

    def __init__(self, folder: Path, command: Sequence[str]) -> None:
        self._folder = folder.resolve()
        self._mark = uuid.uuid4().hex
        self.process = subprocess.Popen(
            [sys.executable, *command],
            env={**os.environ, _MARK: self._mark},
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def wait_for(self, text: str) -> list[str]:
        """Read its output until a line has ``text``; the lines up to there."""
        assert self.process.stdout is not None
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            if text in line:
                return lines
        raise AssertionError(f"ended without {text!r}:\n{''.join(lines)}")

    def descendants(self) -> set[int]:
        """Every process that it started, the watchdog and grandchildren included."""
        inherited = proc.with_environment(_MARK, self._mark)
        servers = proc.with_environment(LOG_MARK, f"{self._folder}/logs/")
        return {*inherited, *servers} - {self.process.pid}


@contextmanager
def supervisor(folder: Path, command: Sequence[str]) -> Iterator[Supervisor]:
    """A supervisor that is killed in the end, if it still runs."""
    started = Supervisor(folder, command)
    try:
        yield started
    finally:
        started.process.kill()
        started.process.communicate()


def waiting_with(folder: Path, *parts: str) -> Sequence[str]:
    """The command of a supervisor of some parts that waits until it is told to end."""
    return ("-c", _WAITING, str(folder), *parts)
