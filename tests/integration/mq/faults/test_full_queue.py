"""A quorum queue that is full for a while, by a policy as an operator would set one."""

from __future__ import annotations

import json
import re

import pytest

from infra.local.services.broker import Broker
from tests.integration.mq.conftest import eventually
from tests.integration.mq.faults.scene import CONFIRMED, NACKED, Scene

POLICY = "a-test-makes-it-full"


@pytest.mark.configures_broker
def test_once_there_is_room_again_the_same_publisher_is_confirmed(scene: Scene) -> None:
    broker = scene.wire.broker
    assert isinstance(broker, Broker)
    publisher = scene.publisher()
    assert scene.relay(scene.batch(1), publisher).error is None
    limit = json.dumps({"max-length": 1, "overflow": "reject-publish"})
    names = f"^{re.escape(scene.first.work_queue)}$"

    broker.ctl("set_policy", POLICY, names, limit, "--apply-to", "queues")
    try:
        eventually(
            lambda: bool(scene.relay(scene.batch(20), publisher).of(NACKED)), "nothing was refused"
        )
    finally:
        broker.ctl("clear_policy", POLICY)
    eventually(
        lambda: not scene.relay(scene.batch(1), scene.publisher()).of(NACKED),
        "there is no room yet",
    )

    batch = scene.batch(5)
    assert scene.relay(batch, publisher).of(CONFIRMED) == {m.event_key for m in batch}
