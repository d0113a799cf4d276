from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.errors import Unavailable
from chalicelib.mq.relay import Relay, RelayLimits
from tests.fakes.clock import START, FakeClock
from tests.fakes.mq import FakeBroker, FakePublisher
from tests.fakes.outbox import FakeOutbox
from tests.unit.mq.builders import SUBSCRIPTION, TOPOLOGY, a_message, an_insert

NONE_FAILED: dict[str, list[dict[str, str]]] = {"batchItemFailures": []}


def failed_from(sequence_number: int) -> dict[str, list[dict[str, str]]]:
    return {"batchItemFailures": [{"itemIdentifier": str(sequence_number)}]}


class Bench:
    """A relay on a broker in memory; the rows of all its messages are in the outbox."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.broker = FakeBroker()
        self.broker.declare(SUBSCRIPTION)
        self.publisher = FakePublisher(self.broker, TOPOLOGY)
        self.messages = [a_message(number) for number in range(5)]
        self.outbox = FakeOutbox(self.messages)
        self.relay = Relay(self.outbox, self.publisher, TOPOLOGY, self.clock, RelayLimits())

    def records(self) -> list[dict[str, Any]]:
        return [an_insert(m, 100 + number) for number, m in enumerate(self.messages)]

    def queued(self) -> list[str]:
        return [m.message_id for m in self.broker.queues[SUBSCRIPTION.work_queue]]

    def ids(self) -> list[str]:
        return [m.message_id for m in self.messages]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_confirmed_rows_are_deleted(bench: Bench) -> None:
    assert bench.relay.publish(bench.records()) == NONE_FAILED
    assert bench.queued() == bench.ids()
    assert bench.outbox.rows_left == set()


def test_one_batch_is_published_at_once(bench: Bench) -> None:
    bench.relay.publish(bench.records())
    assert bench.publisher.batches == [tuple(m.event_key for m in bench.messages)]


def test_rows_that_no_queue_took_stay(bench: Bench) -> None:
    bench.broker.unbind(SUBSCRIPTION)
    assert bench.relay.publish(bench.records()) == failed_from(100)
    assert len(bench.outbox.rows_left) == 5


def test_rows_that_the_broker_refused_stay(bench: Bench) -> None:
    bench.broker.full.add(SUBSCRIPTION.work_queue)
    assert bench.relay.publish(bench.records()) == failed_from(100)
    assert len(bench.outbox.rows_left) == 5


def test_rows_without_an_answer_stay(bench: Bench) -> None:
    bench.broker.silent = True
    assert bench.relay.publish(bench.records()) == failed_from(100)
    assert len(bench.outbox.rows_left) == 5


def test_a_broker_that_is_down_fails_the_batch_and_keeps_the_rows(bench: Bench) -> None:
    bench.broker.down = True
    assert bench.relay.publish(bench.records()) == failed_from(100)
    assert len(bench.outbox.rows_left) == 5


def test_a_missing_queue_publishes_nothing(bench: Bench) -> None:
    bench.broker.delete_queue(SUBSCRIPTION.work_queue)
    assert bench.relay.publish(bench.records()) == failed_from(100)
    assert bench.publisher.batches == []
    assert len(bench.outbox.rows_left) == 5


def test_rows_that_could_not_be_deleted_come_again(bench: Bench) -> None:
    bench.outbox.error = Unavailable(detail="throttled")
    assert bench.relay.publish(bench.records()) == failed_from(100)
    bench.outbox.error = None
    assert bench.relay.publish(bench.records()) == NONE_FAILED
    assert bench.outbox.rows_left == set()


def test_the_restart_begins_at_the_lowest_failed_record(bench: Bench) -> None:
    other = a_message(77)
    records = bench.records()
    skipped = {**records[0], "eventName": "REMOVE"}
    bench.broker.down = True
    assert bench.relay.publish([skipped, *records[1:], an_insert(other, 105)]) == failed_from(101)


def test_other_changes_are_ignored(bench: Bench) -> None:
    records = [{**r, "eventName": "REMOVE"} for r in bench.records()]
    assert bench.relay.publish(records) == NONE_FAILED
    assert bench.publisher.batches == []


@pytest.mark.parametrize("exchange", ["", "someone_elses_exchange"])
def test_a_malformed_record_does_not_hold_up_the_others(bench: Bench, exchange: str) -> None:
    records = bench.records()
    records[2]["dynamodb"]["NewImage"]["exchange"] = {"S": exchange}
    assert bench.relay.publish(records) == NONE_FAILED
    assert bench.queued() == [i for i in bench.ids() if i != bench.messages[2].message_id]
    assert bench.outbox.rows_left == {bench.messages[2].event_key}


def test_a_malformed_record_is_not_where_the_restart_begins(bench: Bench) -> None:
    records = bench.records()
    del records[0]["dynamodb"]["NewImage"]["body"]
    bench.broker.down = True
    assert bench.relay.publish(records) == failed_from(101)


def test_brand_new_records_are_published_without_a_look_at_the_table(bench: Bench) -> None:
    bench.clock.advance(seconds=5)
    bench.relay.publish(bench.records())
    assert bench.outbox.asked == []
    assert len(bench.queued()) == 5


def test_older_records_are_published_only_while_their_row_exists(bench: Bench) -> None:
    bench.clock.advance(seconds=6)
    gone = bench.messages[1]
    bench.outbox.delete([gone.event_key])
    assert bench.relay.publish(bench.records()) == NONE_FAILED
    assert gone.message_id not in bench.queued()
    assert len(bench.queued()) == 4


def test_after_a_minute_the_stream_leaves_its_rows_alone(bench: Bench) -> None:
    bench.clock.advance(seconds=61)
    assert bench.relay.publish(bench.records()) == NONE_FAILED
    assert bench.publisher.batches == []
    assert len(bench.outbox.rows_left) == 5


def test_a_restart_publishes_what_failed_and_not_what_was_delivered(bench: Bench) -> None:
    records = bench.records()
    assert bench.relay.publish(records[2:]) == NONE_FAILED
    bench.clock.advance(seconds=10)
    assert bench.relay.publish(records) == NONE_FAILED
    assert sorted(bench.queued()) == sorted(bench.ids())


def test_a_record_that_comes_twice_in_a_batch_is_published_once(bench: Bench) -> None:
    first = bench.records()[0]
    assert bench.relay.publish([first, first]) == NONE_FAILED
    assert bench.queued() == [bench.messages[0].message_id]


def test_age_is_that_of_the_record_not_of_the_payment(bench: Bench) -> None:
    bench.clock.advance(hours=2)
    late = an_insert(bench.messages[0], 1, put_at=START + timedelta(hours=2))
    assert bench.relay.publish([late]) == NONE_FAILED
    assert bench.queued() == [bench.messages[0].message_id]
