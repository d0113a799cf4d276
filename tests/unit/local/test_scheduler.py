from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from chalice.app import Chalice, Cron, Rate

from infra.local.aws.container import ContainerGone, RunFailed
from infra.local.aws.scheduler import (
    Runner,
    Schedule,
    next_due,
    period_seconds,
    scheduled_event,
    schedules_of,
)
from infra.local.processes.children import wait_until


class FakeContainer:
    """Runs until it is released."""

    def __init__(self) -> None:
        self.events: list[Mapping[str, Any]] = []
        self.timeouts: list[float] = []
        self.outcome: Exception | None = None
        self.ended = False
        self._released = threading.Semaphore(0)

    def run(self, event: Mapping[str, Any], timeout_seconds: float) -> None:
        self.timeouts.append(timeout_seconds)
        self.events.append(event)
        self._released.acquire()
        if self.outcome is not None:
            raise self.outcome

    def release(self, outcome: Exception | None = None) -> None:
        self.outcome = outcome
        self._released.release()

    def leave_early(self) -> None:
        self.release()

    def end(self) -> None:
        self.ended = True
        self._released.release(2)


class Stage:
    """A runner and the containers that it asked for."""

    def __init__(self, period: float = 60) -> None:
        self.made: list[FakeContainer] = []
        self.runner = Runner(Schedule("drain", period), self._new)

    def _new(self) -> FakeContainer:
        self.made.append(FakeContainer())
        return self.made[-1]

    def runs(self) -> int:
        return sum(len(container.events) for container in self.made)

    def start(self) -> bool:
        """Start a run as soon as the runner takes one more."""
        before = self.runs()
        return wait_until(self.runner.start_run, seconds=10) and eventually(
            lambda: self.runs() == before + 1
        )


def eventually(condition: Callable[[], bool]) -> bool:
    return wait_until(condition, seconds=10)


def test_the_next_run_does_not_wait_for_the_last_one_but_two_is_the_most() -> None:
    stage = Stage()
    assert stage.start()
    assert stage.start()
    assert not stage.runner.start_run()
    assert len(stage.made) == 2
    stage.made[0].release()
    assert stage.start()
    assert len(stage.made) == 2
    stage.runner.stop(grace_seconds=10)


def test_a_container_stays_warm_for_the_next_run() -> None:
    stage = Stage()
    for _ in range(3):
        assert stage.start()
        stage.made[0].release()
        # It is idle again when a run no longer needs a second container.
        assert eventually(lambda: len(stage.runner._idle) == 1)
    assert len(stage.made) == 1


def test_a_run_that_fails_does_not_end_the_schedule() -> None:
    stage = Stage()
    assert stage.start()
    stage.made[0].release(RunFailed("no broker"))
    assert eventually(lambda: len(stage.runner._idle) == 1)
    assert stage.start()
    assert len(stage.made) == 1
    stage.runner.stop(grace_seconds=10)


def test_a_container_that_is_gone_is_replaced() -> None:
    stage = Stage()
    assert stage.start()
    assert stage.start()
    stage.made[0].release(ContainerGone("the process ended"))
    assert stage.start()
    assert len(stage.made) == 3
    stage.runner.stop(grace_seconds=10)


def test_a_stop_lets_runs_leave_early_and_starts_none() -> None:
    stage = Stage()
    assert stage.start()
    stage.runner.stop(grace_seconds=10)
    assert stage.made[0].ended
    assert not stage.runner.start_run()


def test_a_run_that_does_not_leave_is_ended_after_the_grace() -> None:
    class Stubborn(FakeContainer):
        def leave_early(self) -> None:
            pass

    container = Stubborn()
    runner = Runner(Schedule("drain", 60), lambda: container)
    runner.start_run()
    assert eventually(lambda: len(container.events) == 1)
    runner.stop(grace_seconds=0.05)
    assert container.ended


def test_the_first_run_is_at_once_and_the_next_when_its_period_comes_round() -> None:
    stage = Stage(period=0.05)
    stopping = threading.Event()
    keeping = threading.Thread(target=stage.runner.keep, args=(stopping,))
    keeping.start()
    assert eventually(lambda: stage.runs() == 2)
    stopping.set()
    keeping.join(timeout=10)
    assert not keeping.is_alive()
    stage.runner.stop(grace_seconds=10)


def test_a_run_has_its_period_and_some_more() -> None:
    stage = Stage(period=60)
    assert stage.start()
    assert stage.made[0].timeouts == [75]
    stage.runner.stop(grace_seconds=10)


@pytest.mark.parametrize(
    ("due", "now", "expected"), [(100, 100, 160), (100, 159, 160), (100, 160, 160), (100, 290, 340)]
)
def test_what_was_missed_is_not_made_up(due: float, now: float, expected: float) -> None:
    assert next_due(due, 60, now) == expected


@pytest.mark.parametrize(
    ("expression", "seconds"),
    [
        ("rate(1 minute)", 60),
        ("rate(5 minutes)", 300),
        (Rate(2, unit=Rate.HOURS), 7200),
        (Rate(1, unit=Rate.DAYS), 86400),
        ("cron(0 3 * * ? *)", None),
        (Cron(0, 3, "*", "*", "?", "*"), None),
    ],
)
def test_a_period_is_read_from_a_rate(expression: Any, seconds: float | None) -> None:
    assert period_seconds(expression) == seconds


def test_the_schedules_are_those_of_the_app_that_have_a_rate() -> None:
    app = Chalice("sample")
    app.schedule("rate(1 minute)", name="drain")(lambda event: None)
    app.schedule("cron(0 3 * * ? *)", name="nightly")(lambda event: None)
    app.on_cw_event({"source": ["aws.ec2"]}, name="other")(lambda event: None)
    assert schedules_of(app) == (Schedule("drain", 60),)
    assert schedules_of(app, instead=0.5) == (Schedule("drain", 0.5),)


def test_the_event_is_one_of_eventbridge() -> None:
    event = scheduled_event("drain", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "ap-southeast-1")
    assert len(event.pop("id")) == 36
    assert event == {
        "version": "0",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "000000000000",
        "time": "2026-01-02T03:04:05Z",
        "region": "ap-southeast-1",
        "resources": ["arn:aws:events:ap-southeast-1:000000000000:rule/drain"],
        "detail": {},
    }
