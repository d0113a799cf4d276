"""Items that no code of ours puts, on the engine: they stop neither the index nor the sweep."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.clock import to_millis
from chalicelib.errors import StoreRefused
from chalicelib.mq.outbox import OutboxItem
from chalicelib.mq.waiting import Claimed, Malformed
from chalicelib.settings import Settings
from tests.contract.mq.outboxes import EngineTable, due_keys, only_due, stored_row
from tests.contract.mq.test_outbox_contract import DUE, LATER, MINUTE
from tests.unit.mq.builders import a_message
from tests.unit.mq.sweeping import Bench

_ITEM_BYTES = 400 * 1024
STRANGE = "strange#paid"


@pytest.fixture
def table(local_settings: Settings, create_tables: Any) -> EngineTable:
    create_tables(OutboxItem)
    return EngineTable(local_settings)


def put_strange(table: EngineTable, next_attempt: str, **more: dict[str, str]) -> None:
    table.put_item(
        event_key={"S": STRANGE},
        sweep_shard={"S": "1"},
        next_attempt_at_ms={"N": next_attempt},
        **more,
    )


def nearly_full(table: EngineTable) -> None:
    """An item to which nothing can be added."""
    put_strange(table, str(to_millis(DUE)), body={"S": "x" * (_ITEM_BYTES - 80)})


def test_a_time_with_a_fraction_is_due_and_claimed_once(table: EngineTable) -> None:
    put_strange(table, f"{to_millis(DUE)}.5")
    seen = only_due(table, LATER)
    assert seen.next_attempt_at_ms == to_millis(DUE)
    got = table.outbox.claim(seen, LATER + MINUTE)
    assert isinstance(got, Malformed)
    assert table.outbox.claim(seen, LATER + 2 * MINUTE) is None
    table.outbox.refused(got.claim, "malformed", next_at=LATER, dead=True)
    assert stored_row(table, STRANGE).is_dead


def test_a_message_whose_time_has_a_fraction_is_sent(table: EngineTable) -> None:
    message = a_message()
    table.put_by_an_earlier_version(message)
    table.put_item(
        event_key={"S": message.event_key},
        message_id={"S": message.message_id},
        exchange={"S": message.exchange},
        body={"S": message.body},
        created_at_ms={"N": str(to_millis(message.created_at))},
        sweep_shard={"S": "1"},
        next_attempt_at_ms={"N": f"{to_millis(DUE)}.25"},
    )
    got = table.outbox.claim(only_due(table, LATER), LATER + MINUTE)
    assert isinstance(got, Claimed)
    assert got.message == message


def test_an_item_that_cannot_grow_is_due_and_cannot_be_claimed(table: EngineTable) -> None:
    nearly_full(table)
    assert due_keys(table, LATER) == [STRANGE]
    with pytest.raises(StoreRefused):
        table.outbox.claim(only_due(table, LATER), LATER + MINUTE)
    assert due_keys(table, LATER) == [STRANGE]


@pytest.mark.parametrize("next_attempt", ["-1E+125", "-0.5", "0"])
def test_a_time_that_is_none_stops_no_sweep(table: EngineTable, next_attempt: str) -> None:
    put_strange(table, next_attempt)
    assert_the_others_go_out(table)


def test_an_item_that_cannot_grow_stops_no_sweep(table: EngineTable) -> None:
    nearly_full(table)
    assert_the_others_go_out(table)


def assert_the_others_go_out(table: EngineTable) -> None:
    table.put(*(a_message(n) for n in range(3)))
    bench = Bench()
    bench.clock.set(LATER)
    assert bench.sweep(rows=table.outbox).confirmed == 3
    assert [row.event_key for row in table.outbox.rows()] == [STRANGE]
