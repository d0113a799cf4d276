"""A header that the client library cannot read: the way out that the operators' page describes."""

from __future__ import annotations

import struct
from urllib.parse import quote

import httpx
import pika
import pytest

from chalicelib.errors import BrokerError
from chalicelib.mq.delivery import Ack, Delivery, Outcome
from infra.local.services.broker import Broker, ExternalBroker
from tests.integration.mq.conftest import Wire, eventually
from tests.integration.mq.learning_centre import drain, drain_until_nothing_comes, ready

_HEADERS_PRESENT = 1 << 13
_MILLIS_FOR_SECONDS = 1_772_000_000_000


class TimeInMilliseconds(pika.BasicProperties):
    """A timestamp of the year 58,000: whoever sent it took milliseconds for seconds."""

    def encode(self) -> list[bytes]:
        table = b"\x04sentT" + struct.pack(">Q", _MILLIS_FOR_SECONDS)
        return [struct.pack(">HI", _HEADERS_PRESENT, len(table)), table]


def test_a_header_that_cannot_be_read_is_moved_away_by_the_broker_and_the_rest_goes_on(
    wire: Wire, broker: Broker | ExternalBroker
) -> None:
    if not broker.management_url:
        pytest.skip("needs the management API")
    wire.declare()
    work_queue = wire.subscription.work_queue
    wire.on_channel(
        lambda channel: channel.basic_publish(
            wire.subscription.exchange, "", b"unreadable", TimeInMilliseconds(headers={})
        )
    )
    wire.put(b"1", b"2")
    eventually(lambda: ready(wire, work_queue) == 3, "not all arrived")
    stored: list[bytes] = []

    def store(delivery: Delivery) -> Outcome:
        stored.append(delivery.body)
        return Ack()

    with pytest.raises(BrokerError, match="out of range"):
        drain(wire, store)
    eventually(lambda: ready(wire, work_queue) == 3, "something was lost")

    reject_first(broker, work_queue)

    drain_until_nothing_comes(wire, store)
    assert stored == [b"1", b"2"]
    eventually(lambda: ready(wire, wire.subscription.dead_queue) == 1, "it is not dead")


def reject_first(broker: Broker | ExternalBroker, queue: str) -> None:
    """What an operator does in the management console: get one message, reject it, no requeue."""
    answer = httpx.post(
        f"{broker.management_url}/api/queues/%2F/{quote(queue, safe='')}/get",
        json={"count": 1, "ackmode": "reject_requeue_false", "encoding": "auto"},
        trust_env=False,
    )
    (rejected,) = answer.raise_for_status().json()
    assert rejected["payload"] == "unreadable"
