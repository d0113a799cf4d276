"""The same questions to the outbox in memory and to the table on the engine."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chalicelib.mq.outbox import OutboxItem
from chalicelib.mq.waiting import Claim, Claimed, Malformed
from tests.contract.mq.outboxes import (
    EngineTable,
    MemoryTable,
    Table,
    due_keys,
    only_due,
    stored_row,
)
from tests.fakes.clock import START
from tests.unit.mq.builders import a_message, a_refund_message

MINUTE = timedelta(minutes=1)
DUE = START + MINUTE
"""When the stream leaves a row that was put at START."""
LATER = START + timedelta(hours=1)


@pytest.fixture(params=["memory", "engine"])
def table(request: pytest.FixtureRequest) -> Table:
    if request.param == "memory":
        return MemoryTable()
    request.getfixturevalue("create_tables")(OutboxItem)
    return EngineTable(request.getfixturevalue("local_settings"))


def claimed(table: Table) -> Claim:
    got = table.outbox.claim(only_due(table, DUE), DUE + MINUTE)
    assert isinstance(got, Claimed)
    return got.claim


def test_a_row_is_due_when_the_stream_leaves_it(table: Table) -> None:
    table.put(a_message())
    assert due_keys(table, DUE - timedelta(milliseconds=1)) == []
    assert due_keys(table, DUE) == [a_message().event_key]


def test_the_longest_due_comes_first_whatever_its_shard(table: Table) -> None:
    messages = [a_message(n, START + timedelta(seconds=100 - n)) for n in range(40)]
    table.put(*messages)
    assert due_keys(table, LATER) == [m.event_key for m in reversed(messages)]


def test_a_due_row_names_its_exchange(table: Table) -> None:
    table.put(a_refund_message())
    assert only_due(table, DUE).exchange == a_refund_message().exchange


def test_a_claim_brings_the_whole_message_and_puts_the_row_off(table: Table) -> None:
    table.put(a_message())
    got = table.outbox.claim(only_due(table, DUE), DUE + MINUTE)
    assert isinstance(got, Claimed)
    assert got.message == a_message()
    assert got.claim.refusals == 0
    assert due_keys(table, DUE) == []
    assert due_keys(table, DUE + MINUTE) == [a_message().event_key]


def test_of_two_that_saw_a_row_one_gets_it(table: Table) -> None:
    table.put(a_message())
    seen = only_due(table, DUE)
    assert isinstance(table.outbox.claim(seen, DUE + MINUTE), Claimed)
    assert table.outbox.claim(seen, DUE + 2 * MINUTE) is None
    assert due_keys(table, DUE + MINUTE) == [a_message().event_key]


def test_what_is_gone_is_neither_claimed_nor_refused_into_life(table: Table) -> None:
    table.put(a_message())
    seen = only_due(table, DUE)
    claim = claimed(table)
    table.outbox.delete([seen.event_key])
    assert table.outbox.claim(seen, DUE + MINUTE) is None
    table.outbox.refused(claim, "nacked", next_at=LATER)
    assert list(table.outbox.rows()) == []


def test_a_refused_row_comes_again_with_its_answer_and_its_count(table: Table) -> None:
    table.put(a_message())
    claim = claimed(table)
    table.outbox.refused(claim, "returned", next_at=LATER)
    table.outbox.refused(claim, "returned", next_at=LATER)
    row = stored_row(table, a_message().event_key)
    assert (row.refusals, row.last_answer, row.is_dead) == (1, "returned", False)
    assert row.next_attempt_at == LATER
    again = table.outbox.claim(only_due(table, LATER), LATER + MINUTE)
    assert isinstance(again, Claimed)
    assert again.claim.refusals == 1


def test_a_claim_that_somebody_took_over_counts_no_more(table: Table) -> None:
    table.put(a_message())
    first = claimed(table)
    assert table.outbox.claim(only_due(table, DUE + MINUTE), LATER) is not None
    table.outbox.refused(first, "nacked", next_at=DUE, dead=True)
    row = stored_row(table, a_message().event_key)
    assert (row.refusals, row.is_dead, row.next_attempt_at) == (0, False, LATER)


def test_a_dead_row_is_due_no_more_and_cannot_be_claimed(table: Table) -> None:
    table.put(a_message())
    seen = only_due(table, DUE)
    table.outbox.refused(claimed(table), "nacked", next_at=DUE, dead=True)
    assert due_keys(table, LATER) == []
    assert table.outbox.claim(seen, LATER) is None
    assert stored_row(table, a_message().event_key).is_dead


def test_a_replayed_row_is_due_at_once_as_if_it_was_never_refused(table: Table) -> None:
    table.put(a_message())
    table.outbox.refused(claimed(table), "nacked", next_at=DUE, dead=True)
    assert table.outbox.replay(a_message().event_key, LATER)
    row = stored_row(table, a_message().event_key)
    assert (row.refusals, row.last_answer, row.is_dead) == (0, "nacked", False)
    got = table.outbox.claim(only_due(table, LATER), LATER + MINUTE)
    assert isinstance(got, Claimed)
    assert (got.message, got.claim.refusals) == (a_message(), 0)


def test_whoever_had_claimed_a_replayed_row_has_it_no_more(table: Table) -> None:
    table.put(a_message())
    claim = claimed(table)
    table.outbox.replay(a_message().event_key, DUE)
    table.outbox.refused(claim, "nacked", next_at=LATER)
    assert due_keys(table, DUE) == [a_message().event_key]


def test_nothing_is_replayed_into_life(table: Table) -> None:
    assert not table.outbox.replay("1#paid", DUE)
    assert list(table.outbox.rows()) == []


def test_a_row_of_an_earlier_version_is_shown_and_never_due_until_it_is_replayed(
    table: Table,
) -> None:
    message = a_message()
    table.put_by_an_earlier_version(message)
    assert due_keys(table, LATER) == []
    row = stored_row(table, message.event_key)
    assert (row.message_id, row.exchange, row.created_at) == (
        message.message_id,
        message.exchange,
        message.created_at,
    )
    assert (row.next_attempt_at, row.refusals, row.is_dead) == (None, 0, False)
    assert table.outbox.replay(message.event_key, LATER)
    got = table.outbox.claim(only_due(table, LATER), LATER + MINUTE)
    assert isinstance(got, Claimed)
    assert got.message == message


def test_what_cannot_be_a_message_is_claimed_as_malformed_and_buried(table: Table) -> None:
    table.put_malformed("1#paid", DUE)
    got = table.outbox.claim(only_due(table, DUE), DUE + MINUTE)
    assert isinstance(got, Malformed)
    assert got.reason
    table.outbox.refused(got.claim, "malformed", next_at=DUE, dead=True)
    row = stored_row(table, "1#paid")
    assert (row.is_dead, row.message_id, row.created_at) == (True, None, None)


def test_the_standing_counts_the_dead_apart_from_the_oldest_that_waits(table: Table) -> None:
    standing = table.outbox.standing()
    assert (standing.oldest_at, standing.dead) == (None, 0)
    table.put(a_message(1))
    table.outbox.refused(claimed(table), "nacked", next_at=DUE, dead=True)
    table.put(*(a_message(n, START + timedelta(seconds=n)) for n in range(2, 12)))
    standing = table.outbox.standing()
    assert (standing.oldest_at, standing.dead) == (START + timedelta(seconds=2), 1)


def test_deleting_twice_is_no_error(table: Table) -> None:
    table.put(a_message(1), a_message(2))
    table.outbox.delete([a_message(1).event_key])
    table.outbox.delete([a_message(1).event_key])
    assert table.outbox.existing([a_message(1).event_key, a_message(2).event_key]) == {
        a_message(2).event_key
    }
