"""Confirms awaited one by one against the relay's publisher: one batch, two quorum queues.

``python -m bench.publish`` starts a RabbitMQ node of its own, or uses ``RABBITMQ_URL``; it makes an
exchange and queues for itself and deletes them. Both ways publish the same persistent, mandatory
messages; runs of the two take turns, so that a busy machine is busy for both. Times are medians and
mean little elsewhere; the ratio is what to look at. All goes to ``build/bench_publish.json``.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pika
from pika.adapters.blocking_connection import BlockingChannel

from chalicelib.clock import SystemClock
from chalicelib.deadline import Deadline
from chalicelib.mq.message import OutboxMessage
from chalicelib.mq.ports import PublishResult
from chalicelib.mq.rabbit import BrokerAddress, RabbitInbox, RabbitPublisher
from chalicelib.mq.topology import Subscription, Topology
from chalicelib.secrets import FetchedSecrets
from chalicelib.settings import Settings
from infra.local.services.broker import Broker

BATCH = 100
ROUNDS = 21
WARM_UP = 3
DEADLINE_SECONDS = 60
REPORT = Path("build/bench_publish.json")

Publish = Callable[[Sequence[OutboxMessage]], None]


def main() -> None:
    """Measure, print and write the report."""
    with _broker_url() as url, _two_queues(url) as topology:
        address = _address(url)
        publisher = RabbitPublisher(address, topology, SystemClock())
        connection = pika.BlockingConnection(pika.URLParameters(url))
        channel = connection.channel()
        channel.confirm_delivery()
        batch = _batch(topology.exchanges()[0])
        one_by_one, pipelined = _take_turns(
            batch, lambda b: _one_by_one(channel, b), lambda b: _pipelined(publisher, b)
        )
        publisher.close()
        connection.close()
    report = {
        "batch": BATCH,
        "rounds": ROUNDS,
        "one_by_one_ms": round(one_by_one * 1000, 1),
        "pipelined_ms": round(pipelined * 1000, 1),
        "ratio": round(one_by_one / pipelined, 1),
    }
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    sys.stdout.write(
        f"{BATCH} messages to two quorum queues, medians of {ROUNDS}: one by one"
        f" {report['one_by_one_ms']} ms, pipelined {report['pipelined_ms']} ms,"
        f" ratio {report['ratio']}\n"
    )


def _take_turns(batch: Sequence[OutboxMessage], *ways: Publish) -> list[float]:
    """The median of each way in seconds."""
    seconds: list[list[float]] = [[] for _ in ways]
    for number in range(WARM_UP + ROUNDS):
        for way, times in zip(ways, seconds, strict=True):
            started = time.perf_counter()
            way(batch)
            if number >= WARM_UP:
                times.append(time.perf_counter() - started)
    return [statistics.median(times) for times in seconds]


def _one_by_one(channel: BlockingChannel, batch: Sequence[OutboxMessage]) -> None:
    for message in batch:
        properties = pika.BasicProperties(
            content_type="application/json",
            delivery_mode=pika.DeliveryMode.Persistent.value,
            message_id=message.message_id,
        )
        # Returns when the broker has confirmed, and raises if it has not.
        channel.basic_publish(
            message.exchange, "", message.body.encode(), properties, mandatory=True
        )


def _pipelined(publisher: RabbitPublisher, batch: Sequence[OutboxMessage]) -> None:
    results = publisher.publish(batch, Deadline.after(DEADLINE_SECONDS))
    if set(results.values()) != {PublishResult.CONFIRMED}:
        raise SystemExit("not all confirmed: this measure is worth nothing")


def _batch(exchange: str) -> list[OutboxMessage]:
    body = json.dumps({"filler": "x" * 280})
    now = SystemClock().now()
    return [
        OutboxMessage(
            event_key=f"{n}#bench", message_id=str(n), exchange=exchange, body=body, created_at=now
        )
        for n in range(BATCH)
    ]


def _address(url: str) -> BrokerAddress:
    return BrokerAddress(Settings.from_env({"RABBITMQ_URL": url}), FetchedSecrets(dict))


@contextmanager
def _broker_url() -> Iterator[str]:
    given = os.environ.get("RABBITMQ_URL")
    if given:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        broker = Broker(Path(folder) / "broker")
        try:
            broker.start()
            yield broker.amqp_url
        finally:
            broker.kill()
            broker.stop()


@contextmanager
def _two_queues(url: str) -> Iterator[Topology]:
    """An exchange with two subscribers, each with its quorum queues."""
    name = f"bench-{uuid.uuid4().hex[:8]}"
    topology = Topology(
        tuple(Subscription(f"{name}.exchange", f"{name}.{n}", (10, 60)) for n in (1, 2))
    )
    try:
        for subscription in topology.subscriptions:
            RabbitInbox(_address(url), subscription, 1, Deadline.after(DEADLINE_SECONDS)).close()
        yield topology
    finally:
        connection = pika.BlockingConnection(pika.URLParameters(url))
        channel = connection.channel()
        for subscription in topology.subscriptions:
            for queue in subscription.queues():
                channel.queue_delete(queue.name)
        channel.exchange_delete(f"{name}.exchange")
        connection.close()


if __name__ == "__main__":
    main()
