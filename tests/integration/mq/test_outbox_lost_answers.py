"""DynamoDB carries a write out and its answer is lost: the write is repeated, and known as ours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.dynamo import Dynamo
from chalicelib.mq.outbox import Outbox, OutboxItem
from chalicelib.mq.waiting import Claimed, DueRow
from chalicelib.settings import Settings
from tests.conftest import CreateTables
from tests.e2e.database_gate import DatabaseGate
from tests.fakes.clock import START
from tests.integration.mq.conftest import STREAM_OWNS, put_by_transactions
from tests.unit.mq.builders import a_message

KEY = a_message().event_key
DUE = START + STREAM_OWNS
LATER = DUE + timedelta(minutes=1)


class Bench:
    """An outbox behind a gate, and the same table without one."""

    def __init__(self, settings: Settings, gate: DatabaseGate) -> None:
        self.gate = gate
        self.outbox = Outbox(Dynamo(replace(settings, dynamodb_endpoint_url=gate.url)))
        self.direct = Outbox(Dynamo(settings))
        put_by_transactions(Dynamo(settings), [a_message()])

    def due(self) -> DueRow:
        (row,) = self.direct.due(LATER)
        return row


@pytest.fixture
def bench(local_settings: Settings, create_tables: CreateTables) -> Iterator[Bench]:
    create_tables(OutboxItem)
    with DatabaseGate(local_settings.dynamodb_endpoint_url) as gate:
        yield Bench(local_settings, gate)


def test_a_claim_whose_answer_was_lost_is_ours(bench: Bench) -> None:
    held = bench.gate.hold("UpdateItem", KEY, carried_out=True)
    got = bench.outbox.claim(bench.due(), LATER)
    assert held.reached.is_set()
    assert isinstance(got, Claimed)
    assert got.message == a_message()
    assert bench.direct.claim(replace(bench.due(), next_attempt_at_ms=0), LATER) is None


def test_a_refusal_whose_answer_was_lost_is_counted_once(bench: Bench) -> None:
    got = bench.outbox.claim(bench.due(), LATER)
    assert isinstance(got, Claimed)
    held = bench.gate.hold("UpdateItem", KEY, carried_out=True)
    bench.outbox.refused(got.claim, "nacked", next_at=LATER)
    assert held.reached.is_set()
    (row,) = bench.direct.rows()
    assert (row.refusals, row.next_attempt_at, row.is_dead) == (1, LATER, False)
