"""How a sweep shares its time: between claims and publishing, exchanges, batches."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from chalicelib.deadline import Deadline
from chalicelib.mq.message import OutboxMessage
from chalicelib.mq.ports import PublishResult
from chalicelib.mq.waiting import Claimed, DueRow, Malformed
from tests.fakes.clock import START
from tests.fakes.outbox import FakeOutbox
from tests.unit.mq.builders import a_message, a_refund_message
from tests.unit.mq.sweeping import LIMITS, Bench

CLAIM_SECONDS = 0.02


class Timed:
    """Implements `Publisher`; keeps how many messages each batch has, and its time."""

    def __init__(self) -> None:
        self.batches: list[tuple[int, float]] = []

    def publish(
        self, messages: Sequence[OutboxMessage], deadline: Deadline
    ) -> dict[str, PublishResult]:
        self.batches.append((len(messages), deadline.remaining_seconds()))
        return {message.event_key: PublishResult.CONFIRMED for message in messages}


class SlowToClaim(FakeOutbox):
    """No claim takes less than `CLAIM_SECONDS`."""

    def claim(self, row: DueRow, until: datetime) -> Claimed | Malformed | None:
        over = time.monotonic() + CLAIM_SECONDS
        while time.monotonic() < over:
            pass
        return super().claim(row, until)


def some(count: int) -> list[OutboxMessage]:
    return [a_message(n, START - timedelta(seconds=n)) for n in range(count)]


@pytest.mark.parametrize(("seconds", "most"), [(60.0, 10.0), (8.0, 6.0)])
def test_a_batch_has_its_own_time_or_what_the_run_can_spare(seconds: float, most: float) -> None:
    publisher = Timed()
    Bench(*some(3)).sweep(publisher=publisher, seconds=seconds)
    ((_, had),) = publisher.batches
    assert most / 2 <= had <= most


def test_the_exchanges_of_a_batch_share_its_time_equally() -> None:
    publisher = Timed()
    Bench(*some(3), a_refund_message(1)).sweep(publisher=publisher)
    assert sorted(messages for messages, _ in publisher.batches) == [1, 3]
    assert all(0 < had <= LIMITS.publish_deadline_seconds / 2 for _, had in publisher.batches)


def test_claims_leave_half_of_the_time_to_publish_and_the_rest_is_the_next_batchs() -> None:
    bench, publisher = Bench(*some(20)), Timed()
    rows = SlowToClaim()
    rows.table = bench.outbox.table
    limits = replace(LIMITS, publish_deadline_seconds=5 * CLAIM_SECONDS)
    assert bench.sweep(limits, rows=rows, publisher=publisher).claimed == 20
    assert sum(messages for messages, _ in publisher.batches) == 20
    # the claim that comes over the half is the third at the latest
    assert max(messages for messages, _ in publisher.batches) <= 3


def test_a_run_goes_on_until_nothing_is_due() -> None:
    bench = Bench(*some(3_000))
    assert bench.sweep(replace(LIMITS, most=100_000)).confirmed == 3_000
    assert bench.outbox.rows_left == set()
