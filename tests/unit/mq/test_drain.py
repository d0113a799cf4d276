from __future__ import annotations

from collections.abc import Callable

import pytest

from chalicelib.deadline import Deadline
from chalicelib.errors import BrokerError, StaleWrite, Unavailable
from chalicelib.mq.delivery import (
    ATTEMPT_HEADER,
    REASON_HEADER,
    Ack,
    Dead,
    Delivery,
    Outcome,
    Pause,
    Retry,
)
from chalicelib.mq.drain import Drain, DrainLimits, DrainReport
from chalicelib.mq.message import MalformedMessage
from chalicelib.mq.topology import Subscription
from tests.fakes.mq import FakeBroker, FakeInbox, Queued
from tests.unit.mq.builders import SUBSCRIPTION

WORK = SUBSCRIPTION.work_queue
FIRST_RETRY = f"{WORK}.retry.10s"
SECOND_RETRY = f"{WORK}.retry.60s"
LIMITS = DrainLimits(window_seconds=58, prefetch=10)


class Bench:
    """A broker in memory whose time is the time that its inboxes waited."""

    def __init__(self) -> None:
        self.broker = FakeBroker()
        self.broker.declare(SUBSCRIPTION)
        self.inboxes: list[FakeInbox] = []
        self.effects: list[bytes] = []
        self.lambda_seconds = 120.0

    def put(self, *bodies: bytes, **headers: object) -> None:
        queue = self.broker.queues[WORK]
        queue.extend(Queued(body.decode(), body, headers) for body in bodies)

    def seconds(self) -> float:
        return sum(inbox.seconds_waited for inbox in self.inboxes)

    def run(
        self, handler: Callable[[Delivery], Outcome], limits: DrainLimits = LIMITS
    ) -> DrainReport:
        drain = Drain(self._connect, SUBSCRIPTION, handler, limits, monotonic=self.seconds)
        began = self.seconds()
        return drain.run(lambda: int((self.lambda_seconds - (self.seconds() - began)) * 1000))

    def store(self, delivery: Delivery) -> Outcome:
        self.effects.append(delivery.body)
        return Ack()

    def _connect(self, subscription: Subscription, prefetch: int, deadline: Deadline) -> FakeInbox:
        self.inboxes.append(FakeInbox(self.broker, subscription, prefetch))
        return self.inboxes[-1]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_every_message_is_stored_in_order_and_acknowledged(bench: Bench) -> None:
    bodies = [str(n).encode() for n in range(25)]
    bench.put(*bodies)
    assert bench.run(bench.store) == DrainReport(acked=25)
    assert bench.effects == bodies
    assert bench.broker.bodies(WORK) == []


def test_acknowledgements_come_by_the_chunk(bench: Bench) -> None:
    bench.put(*(str(n).encode() for n in range(20)))
    bench.run(bench.store)
    assert bench.inboxes[0].acks == [5, 10, 15, 20]


def test_the_effect_comes_before_the_acknowledgement(bench: Bench) -> None:
    bench.put(*(b"x" for _ in range(12)))

    def store(delivery: Delivery) -> Outcome:
        assert all(acked < delivery.tag for acked in bench.inboxes[0].acks)
        return bench.store(delivery)

    assert bench.run(store).acked == 12


def test_a_run_stays_for_its_window_and_no_longer(bench: Bench) -> None:
    bench.run(bench.store)
    assert 57.5 <= bench.seconds() <= 58


def test_a_run_ends_ten_seconds_before_the_function_does(bench: Bench) -> None:
    bench.lambda_seconds = 30
    bench.run(bench.store)
    assert 19.5 <= bench.seconds() <= 20


def test_a_run_without_time_fetches_nothing(bench: Bench) -> None:
    bench.put(b"1")
    bench.lambda_seconds = 9
    assert bench.run(bench.store) == DrainReport()
    assert bench.broker.bodies(WORK) == [b"1"]


def test_a_retry_waits_in_the_next_retry_queue_with_its_attempt(bench: Bench) -> None:
    bench.put(b"1")
    assert bench.run(lambda _: Retry("not yet")) == DrainReport(retried=1)
    (put_off,) = bench.broker.queues[FIRST_RETRY]
    assert put_off.headers == {ATTEMPT_HEADER: 2, REASON_HEADER: "not yet"}
    assert bench.broker.bodies(WORK) == []


def test_the_third_failure_is_the_last(bench: Bench) -> None:
    bench.put(b"1")
    attempts: list[int] = []

    def fail(delivery: Delivery) -> Outcome:
        attempts.append(delivery.attempt)
        return Retry("no")

    bench.run(fail)
    bench.broker.expire(FIRST_RETRY, WORK)
    bench.run(fail)
    bench.broker.expire(SECOND_RETRY, WORK)
    assert bench.run(fail) == DrainReport(dead=1)

    assert attempts == [1, 2, 3]
    (dead,) = bench.broker.queues[SUBSCRIPTION.dead_queue]
    assert dead.headers == {ATTEMPT_HEADER: 3, REASON_HEADER: "failed 3 times, at last: no"}


def test_a_malformed_message_is_dead_at_once(bench: Bench) -> None:
    bench.put(b"{")

    def parse(delivery: Delivery) -> Outcome:
        raise MalformedMessage("not JSON")

    assert bench.run(parse) == DrainReport(dead=1)
    (dead,) = bench.broker.queues[SUBSCRIPTION.dead_queue]
    assert dead.headers[REASON_HEADER] == "malformed: not JSON"


def test_dead_keeps_the_body_and_the_message_id(bench: Bench) -> None:
    bench.put(b"7")
    bench.run(lambda _: Dead("never"))
    (dead,) = bench.broker.queues[SUBSCRIPTION.dead_queue]
    assert (dead.message_id, dead.body) == ("7", b"7")


def test_a_handler_that_breaks_is_retried(bench: Bench) -> None:
    bench.put(b"1", b"2")

    def handle(delivery: Delivery) -> Outcome:
        if delivery.body == b"1":
            raise ZeroDivisionError
        return bench.store(delivery)

    assert bench.run(handle) == DrainReport(acked=1, retried=1)
    (put_off,) = bench.broker.queues[FIRST_RETRY]
    assert put_off.headers[REASON_HEADER] == "ZeroDivisionError()"


def test_a_poison_message_holds_up_none_of_the_good_ones(bench: Bench) -> None:
    good = [str(n).encode() for n in range(200)]
    bench.put(*good[:100], b"poison", *good[100:])

    def handle(delivery: Delivery) -> Outcome:
        return Retry("poison") if delivery.body == b"poison" else bench.store(delivery)

    bench.run(handle)
    assert bench.effects == good
    assert bench.broker.bodies(FIRST_RETRY) == [b"poison"]


@pytest.mark.parametrize(
    "outcome", [Pause("throttled"), Unavailable(detail="throttled"), StaleWrite()]
)
def test_a_pause_waits_in_place_and_counts_no_attempt(
    bench: Bench, outcome: Pause | Unavailable | StaleWrite
) -> None:
    bench.put(b"1", b"2")
    calls: list[Delivery] = []

    def handle(delivery: Delivery) -> Outcome:
        calls.append(delivery)
        if len(calls) > 3:
            return bench.store(delivery)
        if not isinstance(outcome, Pause):
            raise outcome
        return outcome

    assert bench.run(handle) == DrainReport(acked=2, paused=3)
    assert [c.body for c in calls] == [b"1"] * 4 + [b"2"]
    assert {c.attempt for c in calls} == {1}
    assert bench.broker.bodies(FIRST_RETRY) == []


def test_what_was_stored_before_a_pause_is_acknowledged_before_it(bench: Bench) -> None:
    bench.put(b"1", b"2")
    bench.run(lambda d: Ack() if d.body == b"1" else Pause())
    assert bench.inboxes[0].acks == [1]
    assert bench.broker.bodies(WORK) == [b"2"]


def test_a_killed_pause_repeats_nothing_that_was_stored_before_it(bench: Bench) -> None:
    bench.put(b"1", b"2")
    acknowledged_at_each_try: list[list[int]] = []

    def handle(delivery: Delivery) -> Outcome:
        if delivery.body == b"1":
            return Ack()
        acknowledged_at_each_try.append(list(bench.inboxes[0].acks))
        if len(acknowledged_at_each_try) == 2:
            raise KeyboardInterrupt
        return Pause()

    with pytest.raises(KeyboardInterrupt):
        bench.run(handle)
    assert acknowledged_at_each_try == [[], [1]]
    assert bench.broker.bodies(WORK) == [b"2"]


def test_a_store_that_refuses_for_ten_runs_leaves_no_dead_letter(bench: Bench) -> None:
    bodies = [str(n).encode() for n in range(5)]
    bench.put(*bodies)
    for _ in range(10):
        report = bench.run(lambda _: Pause("denied"))
        assert report.paused > 0
        assert (report.acked, report.retried, report.dead) == (0, 0, 0)
    assert bench.broker.bodies(SUBSCRIPTION.dead_queue) == []
    assert bench.run(bench.store).acked == 5
    assert bench.effects == bodies


def test_without_a_confirmed_copy_the_message_stays(bench: Bench) -> None:
    bench.put(b"1", b"2")
    bench.broker.silent = True
    with pytest.raises(BrokerError):
        bench.run(lambda d: Ack() if d.body == b"1" else Retry("no"))
    assert bench.broker.bodies(WORK) == [b"2"]
    assert bench.inboxes[0].closed


def test_a_killed_run_repeats_and_loses_nothing(bench: Bench) -> None:
    bench.put(b"1", b"2", b"3")

    def store_then_die(delivery: Delivery) -> Outcome:
        bench.store(delivery)
        if delivery.body == b"2":
            raise KeyboardInterrupt
        return Ack()

    with pytest.raises(KeyboardInterrupt):
        bench.run(store_then_die)
    bench.run(bench.store)
    assert set(bench.effects) == {b"1", b"2", b"3"}
    assert bench.broker.bodies(WORK) == []


@pytest.mark.parametrize(
    ("header", "attempt"),
    [(None, 1), (2, 2), (0, 1), (-5, 1), ("3", 1), (True, 1), (10**9, 10**9)],
)
def test_the_attempt_comes_from_our_own_header(header: object, attempt: int) -> None:
    headers = {} if header is None else {ATTEMPT_HEADER: header}
    assert Delivery(tag=1, message_id="", body=b"", headers=headers).attempt == attempt


def test_an_attempt_beyond_the_last_is_dead(bench: Bench) -> None:
    bench.put(b"1", **{ATTEMPT_HEADER: 7})
    assert bench.run(lambda _: Retry("no")) == DrainReport(dead=1)


def test_a_prefetch_without_a_limit_is_refused() -> None:
    with pytest.raises(ValueError, match="prefetch"):
        DrainLimits(window_seconds=1, prefetch=0)
