"""The evidence of notifications: the first outcome stays, and what nobody verified stands apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from chalicelib.dynamo import Dynamo
from chalicelib.orders.model import PayChannel, PayNo
from chalicelib.orders.ports import NotifyEntry, OrderStore
from chalicelib.orders.storage.rows import NotifyRow
from tests.contract.orders.things import NOW
from tests.fakes.orders import FakeOrderStore

ENTRY = NotifyEntry(
    pay_no=PayNo("2001"),
    verified=True,
    notify_id="n1",
    channel=PayChannel.ALIPAY,
    received_at=NOW,
    outcome="Settled",
    body="a=1",
)
REPEATED = replace(
    ENTRY, outcome="AlreadySettled", body="a=2", received_at=NOW + timedelta(minutes=4)
)
REJECTED = replace(ENTRY, pay_no=None, verified=False, outcome="NOTIFY_REJECTED", body="a=3")
UNPLACED = replace(ENTRY, pay_no=None, notify_id="n2", outcome="NOTIFY_UNUSABLE", body="a=4")

in_dynamodb = pytest.mark.parametrize("store", ["dynamodb"], indirect=True)


@dataclass(frozen=True, slots=True)
class Kept:
    """An entry as it is stored; ``pay_no`` None: under no pay number."""

    pay_no: str | None
    notify_id: str
    outcome: str
    body: str


@pytest.fixture
def rows(store: OrderStore, request: pytest.FixtureRequest) -> Callable[[], list[NotifyRow]]:
    """The table, by subject."""
    table = Dynamo(request.getfixturevalue("local_settings")).bind(NotifyRow)
    return lambda: sorted(table.scan(consistent_read=True), key=lambda row: row.subject)


@pytest.fixture
def kept(store: OrderStore, request: pytest.FixtureRequest) -> Callable[[], set[Kept]]:
    if isinstance(store, FakeOrderStore):
        return lambda: {
            Kept(entry.pay_no, entry.notify_id, entry.outcome, entry.body)
            for entry in store.notifies.values()
        }
    rows = request.getfixturevalue("rows")
    return lambda: {
        Kept(row.subject if row.subject.isdecimal() else None, row.notify_id, row.outcome, row.body)
        for row in rows()
    }


def test_of_a_repeated_notification_the_first_outcome_stays(
    store: OrderStore, kept: Callable[[], set[Kept]]
) -> None:
    store.log_notify(ENTRY)
    store.log_notify(REPEATED)
    assert kept() == {Kept("2001", "n1", "Settled", "a=1")}


def test_every_notification_of_an_attempt_is_kept(
    store: OrderStore, kept: Callable[[], set[Kept]]
) -> None:
    store.log_notify(ENTRY)
    store.log_notify(replace(ENTRY, notify_id="n7", outcome="RefundSeen"))
    assert kept() == {
        Kept("2001", "n1", "Settled", "a=1"),
        Kept("2001", "n7", "RefundSeen", "a=1"),
    }


@pytest.mark.parametrize("rejected_first", [False, True])
def test_what_nobody_verified_stands_under_no_pay_number_and_changes_nothing_there(
    store: OrderStore, kept: Callable[[], set[Kept]], rejected_first: bool
) -> None:
    entries = [ENTRY, REJECTED]
    for entry in reversed(entries) if rejected_first else entries:
        store.log_notify(entry)
    assert kept() == {
        Kept("2001", "n1", "Settled", "a=1"),
        Kept(None, "n1", "NOTIFY_REJECTED", "a=3"),
    }


@in_dynamodb
def test_repetitions_are_counted(store: OrderStore, rows: Callable[[], list[NotifyRow]]) -> None:
    store.log_notify(ENTRY)
    store.log_notify(REPEATED)
    (row,) = rows()
    assert row.times == 2
    assert (row.received_at, row.last_received_at) == (NOW, REPEATED.received_at)


@in_dynamodb
def test_what_nobody_verified_expires_and_nothing_else_does(
    store: OrderStore, rows: Callable[[], list[NotifyRow]]
) -> None:
    for entry in (ENTRY, REJECTED, UNPLACED):
        store.log_notify(entry)
    placed, rejected, unplaced = rows()
    assert (placed.subject, rejected.subject, unplaced.subject) == (
        "2001",
        "rejected#n1",
        "unplaced#n2",
    )
    assert rejected.expires == NOW.replace(microsecond=0) + timedelta(days=30)
    assert placed.expires is unplaced.expires is None
