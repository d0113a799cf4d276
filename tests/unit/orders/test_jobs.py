"""The scheduled functions of the order service."""

from __future__ import annotations

import pytest
from chalice.test import Client

from app import app
from chalicelib import wiring
from chalicelib.deadline import Deadline, time_left
from infra.local.aws.scheduler import schedules_of

JOBS = {
    "watch_payments": "watching",
    "send_refunds": "refund_sender",
    "audit_grants": "grant_audit",
}


class NotedJob:
    """Notes how much time it was given, and how much everything below it has."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.below: list[float] = []

    def run(self, deadline: Deadline) -> None:
        self.seconds.append(deadline.remaining_seconds())
        self.below.append(time_left())


@pytest.mark.parametrize(("function", "part"), JOBS.items())
def test_each_schedule_runs_its_own_job_and_ends_before_its_function_does(
    monkeypatch: pytest.MonkeyPatch, function: str, part: str
) -> None:
    job, other = NotedJob(), NotedJob()
    for name in JOBS.values():
        monkeypatch.setattr(wiring, name, lambda: other)
    monkeypatch.setattr(wiring, part, lambda: job)

    with Client(app) as client:
        event = client.events.generate_cw_event("aws.events", "Scheduled Event", {}, [])
        client.lambda_.invoke(function, event)

    (seconds,), (below,) = job.seconds, job.below
    assert seconds > 0
    assert below == pytest.approx(seconds, abs=1)
    assert other.seconds == []


def test_every_job_runs_each_minute_also_on_the_local_stack() -> None:
    schedules = {s.function_name: s.period_seconds for s in schedules_of(app)}
    assert {function: schedules[function] for function in JOBS} == dict.fromkeys(JOBS, 60)
