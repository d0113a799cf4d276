"""The scheduled functions of the study materials."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from chalice.test import Client

from app import app
from chalicelib import wiring
from infra.local.aws.scheduler import schedules_of

DRAIN_OF = {
    "update_resources": "resources_drain",
    "update_resources_refunds": "resources_refund_drain",
}


class NotedDrain:
    """Notes how much time it was given."""

    def __init__(self) -> None:
        self.millis: list[int] = []

    def run(self, *, remaining_millis: Callable[[], int]) -> None:
        self.millis.append(remaining_millis())


@pytest.mark.parametrize("function", DRAIN_OF)
def test_each_schedule_drains_its_own_queue_within_the_functions_time(
    monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    drains = {name: NotedDrain() for name in (*DRAIN_OF.values(), "learning_drain")}
    for name, drain in drains.items():
        monkeypatch.setattr(wiring, name, lambda drain=drain: drain)

    with Client(app) as client:
        event = client.events.generate_cw_event("aws.events", "Scheduled Event", {}, [])
        client.lambda_.invoke(function, event)

    (given,) = drains.pop(DRAIN_OF[function]).millis
    assert given > 0
    assert [drain.millis for drain in drains.values()] == [[], []]


def test_every_scheduled_function_runs_each_minute_also_on_the_local_stack() -> None:
    schedules = {s.function_name: s.period_seconds for s in schedules_of(app)}

    assert {schedules[function] for function in DRAIN_OF} == {60}
