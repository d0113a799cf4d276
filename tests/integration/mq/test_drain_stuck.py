"""A dead queue that takes nothing, on the real broker: what is behind its letters goes on."""

from __future__ import annotations

import pytest
from pika.adapters.blocking_connection import BlockingChannel

from chalicelib.mq.delivery import Ack, Dead, Delivery, Outcome
from chalicelib.mq.drain import DrainReport
from tests.integration.mq.conftest import Wire, eventually
from tests.integration.mq.learning_centre import drain, ready

GOOD = [f"good{n}".encode() for n in range(20)]
BAD = [f"bad{n}".encode() for n in range(6)]


@pytest.mark.parametrize("trouble", ["full", "missing"])
def test_letters_that_cannot_be_buried_hold_up_none_of_20(wire: Wire, trouble: str) -> None:
    dead_queue = wire.subscription.dead_queue

    def declare_full(channel: BlockingChannel) -> None:
        arguments = {"x-max-length": 0, "x-overflow": "reject-publish"}
        channel.queue_declare(dead_queue, durable=True, arguments=arguments)

    if trouble == "full":
        wire.on_channel(declare_full)
    wire.declare()
    wire.put(*GOOD[:2], *BAD[:3], *GOOD[2:9], *BAD[3:], *GOOD[9:])
    stored: list[bytes] = []
    handled: list[bytes] = []

    def handle(delivery: Delivery) -> Outcome:
        if trouble == "missing" and not handled:
            wire.on_channel(lambda channel: channel.queue_delete(dead_queue))
        handled.append(delivery.body)
        if delivery.body in BAD:
            return Dead("malformed")
        stored.append(delivery.body)
        return Ack()

    first = drain(wire, handle, lambda: len(handled) == len(GOOD + BAD))

    assert first == DrainReport(acked=len(GOOD), stuck=len(BAD))
    assert stored == GOOD
    work_queue = wire.subscription.work_queue
    eventually(lambda: ready(wire, work_queue) == len(BAD), "not all stuck ones went back")

    wire.on_channel(lambda channel: channel.queue_delete(dead_queue))
    second = drain(wire, handle, lambda: len(handled) == len(GOOD + BAD + BAD))

    assert second == DrainReport(dead=len(BAD))
    assert stored == GOOD
    assert sorted(wire.bodies(dead_queue)) == BAD
    assert wire.bodies(work_queue) == []
