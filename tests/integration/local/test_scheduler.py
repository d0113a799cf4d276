from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.processes import proc
from infra.local.processes.children import wait_until


class Scheduler:
    """The process, as a supervisor starts it, and what its functions note."""

    def __init__(self, folder: Path) -> None:
        self._notes = folder / "notes"
        self._log = folder / "log"
        self._notes.touch()
        command = [sys.executable, "-m", "infra.local.aws.scheduler"]
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [*command, "--app", "tests.integration.local.sample_app:app"],
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={
                    **os.environ,
                    "SCHEDULE_PERIOD_SECONDS": "0.2",
                    "SAMPLE_NOTES": str(self._notes),
                },
            )

    def notes(self, of: str) -> list[list[str]]:
        lines = self._notes.read_text(encoding="utf-8").splitlines()
        return [line.split() for line in lines if line.startswith(of)]

    def log(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def signal_group(self, number: signal.Signals) -> None:
        os.killpg(self.process.pid, number)

    def is_gone(self) -> bool:
        return self.process.poll() is not None and not proc.group_members(self.process.pid)


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[Scheduler]:
    started = Scheduler(tmp_path)
    yield started
    if not started.is_gone():
        started.signal_group(signal.SIGKILL)
    started.process.wait()


def test_the_process_runs_each_function_in_its_period_and_stops_in_order(
    scheduler: Scheduler,
) -> None:
    notes = scheduler.notes
    assert wait_until(lambda: len(notes("steady")) >= 4, seconds=60)
    assert wait_until(lambda: len(notes("broken")) >= 2, seconds=60)
    assert wait_until(lambda: len(notes("staying")) == 2, seconds=60)
    assert notes("left") == []
    scheduler.signal_group(signal.SIGTERM)
    assert scheduler.process.wait(timeout=30) == 0
    assert wait_until(scheduler.is_gone, seconds=10)

    assert scheduler.log().splitlines().count("ready") == 1
    assert "RuntimeError: no broker" in scheduler.log()
    assert "nightly does not run here" in scheduler.log()
    # A container is used again ...
    assert max(Counter(pid for _, pid, *_ in notes("steady")).values()) >= 2
    assert all(source == "aws.events" for _, _, source, _ in notes("steady"))
    assert all(10_000 < int(remaining) <= 15_200 for *_, remaining in notes("steady"))
    # ... but never by two runs at a time, and both left when they were told to.
    assert len({pid for _, pid in notes("staying")}) == 2
    assert len(notes("left")) == 2


def test_no_container_outlives_a_scheduler_that_was_killed(scheduler: Scheduler) -> None:
    assert wait_until(lambda: len(scheduler.notes("staying")) == 2, seconds=60)
    scheduler.process.kill()
    assert wait_until(scheduler.is_gone, seconds=30)
