"""Publishing paused: neither the relay nor the sweeper publishes, and nothing is lost."""

from __future__ import annotations

import time

import pytest

from chalicelib.errors import Unavailable
from chalicelib.mq.pause import Turn, permission
from chalicelib.mq.sweeper import Swept
from tests.fakes.clock import START
from tests.unit.mq.builders import a_message
from tests.unit.mq.sweeping import Bench

TURN = Turn("ops", START, "a migration")


@pytest.fixture
def bench() -> Bench:
    return Bench(*(a_message(n) for n in range(3)))


def test_paused_the_relay_publishes_nothing_and_does_not_hold_up_its_shard(bench: Bench) -> None:
    bench.switch.pause(TURN)
    assert bench.relay() == {"batchItemFailures": []}
    assert (bench.queued(), len(bench.outbox.rows_left)) == ([], 3)


def test_paused_the_sweeper_claims_nothing(bench: Bench) -> None:
    bench.switch.pause(TURN)
    before = dict(bench.outbox.table)
    assert bench.sweep() == Swept()
    assert bench.outbox.table == before


def test_after_a_resumption_the_next_run_sends_what_the_relay_left(bench: Bench) -> None:
    bench.switch.pause(TURN)
    bench.relay()
    bench.sweep()
    bench.switch.resume(TURN)
    assert bench.sweep().confirmed == 3
    assert sorted(bench.queued()) == sorted(bench.ids())


def test_a_switch_that_cannot_be_read_publishes_nothing_and_the_batch_comes_again(
    bench: Bench,
) -> None:
    bench.switch.error = Unavailable(detail="no answer")
    assert bench.relay() == {"batchItemFailures": [{"itemIdentifier": "100"}]}
    with pytest.raises(Unavailable):
        bench.sweep()
    assert (bench.queued(), len(bench.outbox.rows_left)) == ([], 3)


def test_the_switch_is_read_before_each_batch() -> None:
    bench = Bench(*(a_message(n) for n in range(250)))
    bench.sweep()
    assert bench.switch.asked == 3


def test_a_pause_between_two_batches_ends_the_run(bench: Bench) -> None:
    many = Bench(*(a_message(n) for n in range(250)))

    class PausedAfterTheFirst:
        def is_paused(self) -> bool:
            return len(many.publisher.batches) >= 1

    assert many.sweep(switch=PausedAfterTheFirst()).confirmed == 100
    assert len(many.queued()) == 100


def test_without_records_of_new_rows_the_switch_is_not_read(bench: Bench) -> None:
    bench.messages = ()
    assert bench.relay() == {"batchItemFailures": []}
    assert bench.switch.asked == 0


def test_a_permission_is_counted_from_before_the_question() -> None:
    class Slow:
        asked_at = 0.0

        def is_paused(self) -> bool:
            self.asked_at = time.monotonic()
            while time.monotonic() <= self.asked_at + 0.01:
                pass
            return False

    switch = Slow()
    until = permission(switch, 10)
    assert until is not None
    # who pauses waits for 10 seconds from the store on, and the store may follow the answer at once
    assert until.at_seconds <= switch.asked_at + 10
