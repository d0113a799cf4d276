"""The scheduled function of the learning centre."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from chalice.test import Client

from app import app
from chalicelib import wiring


class NotedDrain:
    """Notes how much time it was given."""

    def __init__(self) -> None:
        self.millis: list[int] = []

    def run(self, *, remaining_millis: Callable[[], int]) -> None:
        self.millis.append(remaining_millis())


def test_the_schedule_drains_the_queue_within_the_functions_time(monkeypatch: pytest.MonkeyPatch):
    drain = NotedDrain()
    monkeypatch.setattr(wiring, "learning_drain", lambda: drain)

    with Client(app) as client:
        event = client.events.generate_cw_event("aws.events", "Scheduled Event", {}, [])
        client.lambda_.invoke("update_learning", event)

    assert len(drain.millis) == 1
    assert drain.millis[0] > 0
