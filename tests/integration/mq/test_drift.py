"""Queues that are there in another way than ours: no drain stops for that."""

from __future__ import annotations

import json
import time

import pytest

from chalicelib.mq.delivery import Ack, Dead, Delivery, Handler, Outcome, Retry
from chalicelib.mq.drain import Drain, DrainLimits, DrainReport
from chalicelib.mq.rabbit import connector
from chalicelib.mq.rabbit.survey import AmqpSurvey
from tests.integration.mq.conftest import ANSWER_SECONDS, Wire

Output = pytest.CaptureFixture[str]


def drain(wire: Wire, handler: Handler, outcomes: int) -> DrainReport:
    """Drain until the handler was asked so many times."""
    asked: list[int] = []
    gives_up_at = time.monotonic() + ANSWER_SECONDS

    def handle(delivery: Delivery) -> Outcome:
        asked.append(delivery.attempt)
        return handler(delivery)

    def remaining_millis() -> int:
        assert time.monotonic() < gives_up_at, "the drain did not get there"
        return 0 if len(asked) >= outcomes else 60_000

    limits = DrainLimits(window_seconds=2 * ANSWER_SECONDS, prefetch=10)
    return Drain(connector(wire.address), wire.subscription, handle, limits).run(remaining_millis)


def counted(output: Output) -> int:
    """The sum of TopologyDrift since this was asked last."""
    lines = [json.loads(s) for s in output.readouterr().out.splitlines() if s.startswith("{")]
    return sum(int(sum(line["TopologyDrift"])) for line in lines if "TopologyDrift" in line)


def runbooks(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the log lines about drift name."""
    return [vars(r)["runbook"] for r in caplog.records if r.getMessage() == "topology drift"]


def test_a_plain_work_queue_is_drained_as_it_is_counted_and_told_of(
    wire: Wire, capfd: Output, caplog: pytest.LogCaptureFixture
) -> None:
    work_queue, exchange = wire.subscription.work_queue, wire.subscription.exchange
    wire.on_channel(
        lambda c: (
            c.exchange_declare(exchange, "fanout", durable=True),
            c.queue_declare(work_queue, durable=True),
            c.queue_bind(work_queue, exchange),
        )
    )
    wire.put(b"good", b"bad")

    report = drain(wire, lambda d: Ack() if d.body == b"good" else Dead("bad"), outcomes=2)

    assert report == DrainReport(acked=1, dead=1)
    assert wire.bodies(wire.subscription.dead_queue) == [b"bad"]
    assert counted(capfd) == 1
    assert runbooks(caplog) == ['"Topology drift" in docs/operations.md']


def test_without_a_difference_nothing_is_counted(wire: Wire, capfd: Output) -> None:
    wire.declare()
    wire.put(b"1")
    assert drain(wire, lambda _: Ack(), outcomes=1) == DrainReport(acked=1)
    assert counted(capfd) == 0


def test_every_queue_may_differ_and_the_exchange_too(wire: Wire, capfd: Output) -> None:
    subscription = wire.subscription
    names = [queue.name for queue in subscription.queues()]
    wire.on_channel(
        lambda c: (
            c.exchange_declare(subscription.exchange, "direct", durable=True),
            [c.queue_declare(name, durable=True) for name in names],
            c.queue_bind(subscription.work_queue, subscription.exchange, routing_key=""),
        )
    )
    wire.put(b"1")

    assert drain(wire, lambda _: Retry("no luck"), outcomes=1) == DrainReport(retried=1)

    assert wire.bodies("".join(n for n in names if n.endswith(".retry.1s"))) == [b"1"]
    assert counted(capfd) == len(names) + 1


def test_what_cannot_be_put_off_because_its_queue_is_gone_stays(wire: Wire) -> None:
    wire.declare()
    retry_queue = wire.subscription.retry_queue(1)
    assert retry_queue is not None
    wire.put(b"1")

    def lose_the_queue(_: Delivery) -> Outcome:
        wire.on_channel(lambda c: c.queue_delete(retry_queue))
        return Retry("no luck")

    assert drain(wire, lose_the_queue, outcomes=1) == DrainReport(stuck=1)
    assert drain(wire, lambda _: Ack(), outcomes=1) == DrainReport(acked=1)


def test_amqp_alone_sees_what_is_missing_and_what_was_refused(wire: Wire) -> None:
    subscription = wire.subscription
    *_, retry_1, retry_2 = (queue.name for queue in subscription.queues())
    survey = AmqpSurvey(wire.address)
    nothing = survey.look(wire.topology)
    assert (nothing.exchanges, nothing.queues, nothing.bindings) == ({}, {}, None)

    wire.declare()
    wire.put(b"1")
    wire.on_channel(
        lambda c: (
            c.queue_delete(retry_1),
            c.queue_delete(retry_2),
            c.queue_declare(retry_2, durable=True),
        )
    )
    found = survey.look(wire.topology)

    assert found.exchanges[subscription.exchange].refusal == ""
    assert retry_1 not in found.queues
    refusal = found.queues[retry_2].refusal
    assert "inequivalent arg" in refusal
    assert retry_2 in refusal
    work = found.queues[subscription.work_queue]
    assert (work.refusal, work.ready, work.consumers) == ("", 1, 0)
    assert wire.bodies(subscription.work_queue) == [b"1"]
    wire.on_channel(lambda c: c.queue_delete(retry_2))
