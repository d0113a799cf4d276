"""The scheduled functions of the learning centre."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from chalice.test import Client

from app import app
from chalicelib import wiring
from infra.local.aws.scheduler import schedules_of


class NotedDrain:
    """Notes how much time it was given."""

    def __init__(self) -> None:
        self.millis: list[int] = []

    def run(self, *, remaining_millis: Callable[[], int]) -> None:
        self.millis.append(remaining_millis())


@pytest.mark.parametrize(
    ("function", "drain_name"),
    [("update_learning", "learning_drain"), ("update_learning_refunds", "learning_refund_drain")],
)
def test_each_schedule_drains_its_own_queue_within_the_functions_time(
    monkeypatch: pytest.MonkeyPatch, function: str, drain_name: str
):
    drain, other = NotedDrain(), NotedDrain()
    monkeypatch.setattr(wiring, "learning_drain", lambda: other)
    monkeypatch.setattr(wiring, "learning_refund_drain", lambda: other)
    monkeypatch.setattr(wiring, drain_name, lambda: drain)

    with Client(app) as client:
        event = client.events.generate_cw_event("aws.events", "Scheduled Event", {}, [])
        client.lambda_.invoke(function, event)

    assert len(drain.millis) == 1
    assert drain.millis[0] > 0
    assert other.millis == []


def test_every_scheduled_function_runs_each_minute_also_on_the_local_stack():
    schedules = {s.function_name: s.period_seconds for s in schedules_of(app)}

    assert schedules["update_learning"] == 60
    assert schedules["update_learning_refunds"] == 60
