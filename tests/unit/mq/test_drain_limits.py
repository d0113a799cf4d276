"""What a drain does with strangers' messages, slow handlers and the end of its time."""

from __future__ import annotations

import pytest

from chalicelib.deadline import time_left
from chalicelib.errors import Unavailable
from chalicelib.learning.grants import Granting
from chalicelib.mq.delivery import ATTEMPT_HEADER, REASON_HEADER, Ack, Dead, Delivery, Outcome
from chalicelib.mq.drain import DrainLimits, DrainReport
from chalicelib.purchasables import OrderType
from chalicelib.selling.subscriber import PayResultSubscriber
from tests.fakes.learning import FakeLearningStore
from tests.fakes.mq import Queued
from tests.unit.mq.builders import SUBSCRIPTION
from tests.unit.mq.test_drain import FIRST_RETRY, WORK, Bench


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_boolean_is_no_number_of_an_attempt(bench: Bench) -> None:
    bench.put(b"1", **{ATTEMPT_HEADER: True})

    def fail(delivery: Delivery) -> Outcome:
        assert type(delivery.attempt) is int
        raise ZeroDivisionError

    assert bench.run(fail) == DrainReport(retried=1)
    (put_off,) = bench.broker.queues[FIRST_RETRY]
    assert put_off.headers[ATTEMPT_HEADER] == 2


@pytest.mark.parametrize("attempt", [2**63 - 1, -(2**63), "3", 1.5, None, b"3", [1], {"a": 1}])
def test_no_header_of_a_stranger_keeps_a_message_from_its_outcome(
    bench: Bench, attempt: object
) -> None:
    bench.put(b"1", b"2", **{ATTEMPT_HEADER: attempt})
    report = bench.run(lambda _: Dead("no"))
    assert report == DrainReport(dead=2)


@pytest.mark.parametrize(
    "body", [b"", b"\xff\xfe", b"null", b"[]", b'{"id":1}', b"{" * 5_000, b'"\xed\xa0\x80"']
)
def test_what_is_no_message_at_all_is_dead_byte_for_byte(bench: Bench, body: bytes) -> None:
    bench.broker.queues[WORK].append(Queued("", body))
    subscriber = PayResultSubscriber(OrderType.COURSE, Granting(FakeLearningStore()))

    assert bench.run(subscriber) == DrainReport(dead=1)

    (dead,) = bench.broker.queues[SUBSCRIPTION.dead_queue]
    assert (dead.message_id, dead.body) == ("", body)
    assert str(dead.headers[REASON_HEADER]).startswith("malformed: ")


def test_a_reason_that_has_no_utf_8_does_not_keep_its_message_from_the_dead_queue(
    bench: Bench,
) -> None:
    bench.put(b"1")
    bench.run(lambda _: Dead("half a pair: \ud800"))
    (dead,) = bench.broker.queues[SUBSCRIPTION.dead_queue]
    assert dead.headers[REASON_HEADER] == "half a pair: ?"


def test_a_long_reason_is_cut(bench: Bench) -> None:
    bench.put(b"1")
    bench.run(lambda _: Dead("坏" * 10_000))
    (dead,) = bench.broker.queues[SUBSCRIPTION.dead_queue]
    assert dead.headers[REASON_HEADER] == "坏" * 500


def test_slow_effects_are_acknowledged_before_their_chunk_is_full(bench: Bench) -> None:
    bench.put(*(str(n).encode() for n in range(10)))

    def store_slowly(delivery: Delivery) -> Outcome:
        bench.inboxes[0].wait(2)
        return bench.store(delivery)

    bench.run(store_slowly, DrainLimits(window_seconds=58, prefetch=100))

    assert bench.inboxes[0].acks == [3, 6, 9, 10]


def test_the_handler_of_the_last_message_ends_before_the_function_does(bench: Bench) -> None:
    """It may use half of what is spared, and leaves the other half for its outcome."""
    bench.put(b"1", b"2")
    bench.lambda_seconds = 30
    left: list[float] = []

    def note(delivery: Delivery) -> Outcome:
        left.append(time_left())
        bench.inboxes[0].wait(19.5)
        return Ack()

    bench.run(note)

    first, last = left
    assert 24 < first <= 25
    assert 4.5 < last <= 5.5


def test_a_handler_without_time_left_gives_its_message_back(bench: Bench) -> None:
    bench.put(b"1")

    def ask_the_store(delivery: Delivery) -> Outcome:
        bench.inboxes[0].wait(60)
        raise Unavailable(detail="not asked, the handler's time is over")

    assert bench.run(ask_the_store) == DrainReport()
    assert bench.broker.bodies(WORK) == [b"1"]
