"""The broker is short of memory: it reads nothing from publishers until it has some again."""

from __future__ import annotations

import time

import pytest

from infra.local.services.broker import Broker
from tests.integration.mq.conftest import eventually
from tests.integration.mq.faults.scene import UNKNOWN, Scene

_NO_ALARM = "[]"


@pytest.mark.configures_broker
@pytest.mark.parametrize(
    "deadline_seconds", [2, 50], ids=["the deadline comes first", "the limit comes first"]
)
def test_a_blocked_batch_is_given_up_and_sent_again_when_there_is_memory(
    scene: Scene, broker: Broker, deadline_seconds: float
) -> None:
    """It is sent once only: what waits in the line is taken on when the alarm is over."""
    with scene.proxy() as proxy:
        publisher = scene.publisher(proxy)
        scene.relay(scene.batch(1), publisher)
        batch = scene.batch(20)
        broker.ctl("set_vm_memory_high_watermark", "0.00001")
        try:
            started = time.monotonic()
            outcome = scene.relay(batch, publisher, seconds=deadline_seconds)
            took = time.monotonic() - started
            assert outcome.of(UNKNOWN) == {m.event_key for m in batch}
            assert proxy.connections == 1
            assert took < 50
        finally:
            broker.ctl("set_vm_memory_high_watermark", "0.4")
        eventually(lambda: _NO_ALARM in broker.ctl("eval", "rabbit_alarm:get_alarms()."), "alarm")
        scene.completes(batch, outcome, publisher)
        for queue in scene.queues:
            assert all(scene.copies(queue)[m.event_key] <= 2 for m in batch)
