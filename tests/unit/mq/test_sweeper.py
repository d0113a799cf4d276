from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.errors import Unavailable
from chalicelib.mq.ports import PublishResult
from chalicelib.mq.sweeper import Swept
from tests.fakes.clock import START
from tests.fakes.outbox import FakeOutbox
from tests.unit.mq.builders import (
    REFUND_SUBSCRIPTION,
    SUBSCRIPTION,
    a_message,
    a_refund_message,
)
from tests.unit.mq.sweeping import LIMITS, Bench, ScriptedPublisher

REFUSALS = [PublishResult.NACKED, PublishResult.RETURNED]


def some(count: int) -> list:
    return [a_message(n, START - timedelta(seconds=n)) for n in range(count)]


@pytest.fixture
def bench() -> Bench:
    return Bench(*some(5))


def test_what_is_due_is_published_and_deleted_the_oldest_first(bench: Bench) -> None:
    assert bench.sweep() == Swept(claimed=5, confirmed=5)
    assert bench.queued() == list(reversed(bench.ids()))
    assert bench.outbox.rows_left == set()


def test_what_the_stream_still_owns_is_left_to_it() -> None:
    bench = Bench(a_message(1, START + timedelta(seconds=2)))
    assert bench.sweep() == Swept()
    bench.clock.advance(seconds=1)
    assert bench.sweep().confirmed == 1


def test_a_run_sends_in_batches_and_no_more_than_it_may() -> None:
    bench = Bench(*some(260))
    bench.sweep(replace(LIMITS, most=230))
    assert [len(batch) for batch in bench.publisher.batches] == [100, 100, 30]
    assert len(bench.outbox.rows_left) == 30


def test_a_run_without_time_leaves_everything_as_it_is(bench: Bench) -> None:
    before = dict(bench.outbox.table)
    assert bench.sweep(seconds=2) == Swept()
    assert bench.outbox.table == before


@pytest.mark.parametrize("answer", REFUSALS)
def test_a_refused_row_waits_longer_each_time_and_dies_at_last(answer: PublishResult) -> None:
    bench = Bench(a_message())
    publisher = ScriptedPublisher({a_message().event_key: [answer] * 9})
    waits = []
    for refusals in range(1, 4):
        bench.sweep(publisher=publisher)
        row = bench.outbox.table[a_message().event_key]
        assert (row.refusals, row.last_answer, row.is_dead) == (refusals, answer.value, False)
        assert row.next_attempt_at is not None
        waits.append((row.next_attempt_at - bench.clock.now()).total_seconds())
        bench.clock.set(row.next_attempt_at)
    assert waits == [60, 120, 300]

    assert bench.sweep(publisher=publisher).died == 1
    assert bench.outbox.table[a_message().event_key].is_dead
    bench.clock.advance(days=1)
    assert bench.sweep(publisher=publisher) == Swept()
    assert len(publisher.sent) == 4


def test_a_dead_row_that_is_replayed_goes_out(bench: Bench) -> None:
    bench.broker.full.add(SUBSCRIPTION.work_queue)
    bench.sweep(replace(LIMITS, refusals_until_dead=1))
    assert all(row.is_dead for row in bench.outbox.table.values())
    bench.broker.full.clear()
    for message in bench.messages:
        assert bench.outbox.replay(message.event_key, bench.clock.now())
    assert bench.sweep().confirmed == 5


def test_a_broker_that_is_down_counts_nothing_and_the_rows_go_out_soon_after(
    bench: Bench,
) -> None:
    bench.broker.down = True
    for _ in range(20):
        assert bench.sweep().confirmed == 0
        bench.clock.advance(seconds=60)
    assert {row.refusals for row in bench.outbox.table.values()} == {0}
    bench.broker.down = False
    assert bench.sweep().confirmed == 5


def test_an_answer_that_does_not_come_counts_nothing(bench: Bench) -> None:
    bench.broker.silent = True
    bench.sweep()
    assert {row.refusals for row in bench.outbox.table.values()} == {0}
    assert len(bench.outbox.rows_left) == 5


def test_a_missing_queue_holds_back_its_own_exchange_alone() -> None:
    refunds = [a_refund_message(n) for n in range(3)]
    bench = Bench(*some(250), *refunds)
    bench.broker.delete_queue(SUBSCRIPTION.work_queue)
    bench.sweep()
    assert bench.outbox.rows_left == {m.event_key for m in some(250)}
    assert len(bench.broker.queues[REFUND_SUBSCRIPTION.work_queue]) == 3
    untouched = [r for r in bench.outbox.table.values() if r.claim_id is None]
    assert len(untouched) >= 150, "an exchange that cannot be used is tried once a run"


def test_more_rows_of_a_broken_exchange_than_a_run_takes_do_not_starve_the_other() -> None:
    late = a_refund_message(1)
    bench = Bench(*some(400), late)
    bench.broker.delete_queue(SUBSCRIPTION.work_queue)
    bench.sweep(replace(LIMITS, most=150))
    assert late.event_key not in bench.outbox.rows_left


def test_what_can_never_be_sent_is_buried_at_once_and_holds_up_nobody(bench: Bench) -> None:
    bench.outbox.put_malformed("broken#paid", START)
    assert bench.sweep() == Swept(claimed=6, confirmed=5, died=1)
    (row,) = bench.outbox.table.values()
    assert (row.is_dead, row.last_answer) == (True, "malformed: it has no body")


def test_rows_that_could_not_be_deleted_are_sent_again(bench: Bench) -> None:
    bench.outbox.error = Unavailable(detail="throttled")
    assert bench.sweep().confirmed == 0
    bench.outbox.error = None
    bench.clock.advance(seconds=60)
    assert bench.sweep().confirmed == 5
    assert sorted(bench.queued()) == sorted(bench.ids() * 2)


def test_two_sweepers_share_the_rows() -> None:
    bench = Bench(*some(5))
    seen = list(bench.outbox.due(bench.clock.now()))

    class SawTheSame(FakeOutbox):
        def __init__(self, table: FakeOutbox) -> None:
            super().__init__()
            self.table = table.table

        def due(self, now: object) -> object:  # type: ignore[override]
            return iter(seen)

    bench.broker.down = True
    bench.sweep()
    bench.broker.down = False
    assert bench.sweep(rows=SawTheSame(bench.outbox)) == Swept()
    assert bench.queued() == []


def test_a_refusal_of_a_row_that_the_relay_delivered_meanwhile_leaves_no_row() -> None:
    bench = Bench(a_message())

    class RelayWasFaster(ScriptedPublisher):
        def publish(self, messages, deadline):  # type: ignore[no-untyped-def]
            assert bench.relay() == {"batchItemFailures": []}
            return super().publish(messages, deadline)

    key = a_message().event_key
    bench.sweep(publisher=RelayWasFaster({key: [PublishResult.NACKED]}))
    assert bench.outbox.rows_left == set()
    assert bench.queued() == bench.ids()
