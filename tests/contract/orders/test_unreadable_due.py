"""Rows of an index by time that no model can read: they neither hide the others nor stop them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.deadline import Deadline
from chalicelib.dynamo import Dynamo
from chalicelib.errors import UnreadableRow
from chalicelib.mq.outbox import OutboxItem
from chalicelib.ops.grants import unsettled
from chalicelib.orders.grant_audit import Audited, GrantAudit
from chalicelib.orders.grant_schedule import AuditSchedule
from chalicelib.orders.model import OrderId, OrderStatus, PayNo
from chalicelib.orders.ports import Change, OrderStore
from chalicelib.orders.storage import rows
from chalicelib.orders.storage.store import DynamoOrderStore
from chalicelib.settings import Settings
from tests.contract.orders.things import ITEM, NOW, ORDER, RECORD, REFUND
from tests.fakes.clock import FakeClock
from tests.fakes.orders import FakePurchasables

MINUTE = timedelta(minutes=1)
STRANGE = "2026-01-01T00:00:00Z"  # not the microseconds and the offset that are ours
Put = Callable[..., None]


@pytest.fixture
def store(request: pytest.FixtureRequest) -> OrderStore:
    """On the engine alone: a fake has no rows."""
    request.getfixturevalue("create_tables")(
        rows.OrderRow,
        rows.OrderGuardRow,
        rows.OrderItemRow,
        rows.PayRecordRow,
        rows.ChannelTradeRow,
        rows.RefundRow,
        OutboxItem,
    )
    settings = request.getfixturevalue("local_settings")
    return DynamoOrderStore(Dynamo(settings), rejected_ttl_days=30)


@pytest.fixture
def put(local_settings: Settings) -> Put:
    """Writes an item as it is, past every model."""

    def put_item(model: Any, **item: dict[str, str]) -> None:
        bound = Dynamo(local_settings).bind(model)
        client = bound._get_connection().connection.client
        client.put_item(TableName=bound.Meta.table_name, Item=item)

    return put_item


def _paid(number: int, due_at: datetime) -> Change:
    order_id = OrderId(str(number))
    order = replace(
        ORDER,
        order_id=order_id,
        status=OrderStatus.PAID,
        paid_by_pay_no=RECORD.pay_no,
        revoked_by=None,
        audits=0,
        next_audit_at=due_at,
    )
    items = (replace(ITEM, order_id=order_id),)
    return Change(write_id=f"w{number}", orders=(order,), items=items)


def _strange_order(put: Put, order_id: str, at: str = STRANGE) -> None:
    put(
        rows.OrderRow,
        order_id={"S": order_id},
        audit_shard={"N": "1"},
        next_audit_at={"S": at},
    )


def test_an_order_whose_time_cannot_be_read_is_due_now_beside_the_others(
    store: OrderStore, put: Put
) -> None:
    store.commit(_paid(3001, NOW))
    _strange_order(put, "3005")
    due = list(store.due_audits(NOW + MINUTE, 10))
    assert {(audit.order_id, audit.at) for audit in due} == {
        ("3001", NOW),
        ("3005", NOW + MINUTE),
    }
    with pytest.raises(UnreadableRow):
        store.order(OrderId("3005"))
    unreadable, in_all = unsettled(store, NOW)
    assert unreadable.startswith("3005 cannot be read: ")
    assert in_all == "found without their goods: 0; to be audited in all: 2"


def test_all_pages_of_all_shards_come_once_and_in_order(store: OrderStore) -> None:
    for number in range(11):
        store.commit(_paid(3000 + number, NOW - number * MINUTE))
    due = [audit.order_id for audit in store.due_audits(NOW, 2)]
    assert due == [str(3010 - number) for number in range(11)]


def test_a_run_counts_what_it_cannot_read_and_audits_the_rest(store: OrderStore, put: Put) -> None:
    clock, reports, unforeseen = FakeClock(), list[str](), list[str]()
    paid = replace(RECORD, paid_at=NOW, next_check_at=None)
    store.commit(Change(write_id="r", pay_records=(paid,)))
    for number in range(3001, 3004):
        store.commit(_paid(number, NOW))
    _strange_order(put, "3005")
    for number in range(5):  # no order has such a number
        _strange_order(put, f"x{number}", "2026-01-01T00:00:00.000000+0000")
    clock.set(NOW + MINUTE)
    audit = GrantAudit(
        store=store,
        purchasables=FakePurchasables(),
        clock=clock,
        schedule=AuditSchedule(),
        report=reports.append,
        on_missing=lambda finding: None,
        on_unforeseen=unforeseen.append,
        gauge=lambda name, value: None,
        page=2,
    )

    assert audit.run(Deadline.after(30)) == Audited(looked_at=9, missing=3, failed=6)
    assert sorted(unforeseen) == ["3005", "x0", "x1", "x2", "x3", "x4"]
    assert reports.count("GrantAuditsFailed") == 6
    assert audit.run(Deadline.after(30)) == Audited(looked_at=1, missing=0, failed=1)


def test_an_attempt_whose_check_cannot_be_read_hides_no_other(store: OrderStore, put: Put) -> None:
    attempt = replace(RECORD, pay_no=PayNo("3001"), next_check_at=NOW)
    store.commit(Change(write_id="w1", pay_records=(attempt,)))
    put(
        rows.PayRecordRow,
        pay_no={"S": "3005"},
        check_shard={"N": "1"},
        next_check_at={"S": STRANGE},
    )
    assert {check.pay_no for check in store.due_checks(NOW + MINUTE, 10)} == {"3001", "3005"}
    with pytest.raises(UnreadableRow):
        store.pay_record(PayNo("3005"))


def test_a_refund_whose_try_cannot_be_read_hides_no_other(store: OrderStore, put: Put) -> None:
    refund = replace(REFUND, out_refund_no="3001_r", next_try_at=NOW)
    store.commit(Change(write_id="w1", refunds=(refund,)))
    put(
        rows.RefundRow,
        out_refund_no={"S": "3005_r"},
        try_shard={"N": "1"},
        next_try_at={"S": STRANGE},
    )
    assert set(store.due_refunds(NOW + MINUTE, 10)) == {"3001_r", "3005_r"}
    with pytest.raises(UnreadableRow):
        store.refund("3005_r")


def test_a_field_of_another_type_makes_an_order_unreadable_and_nothing_worse(
    store: OrderStore, put: Put
) -> None:
    put(rows.OrderRow, order_id={"S": "3001"}, title={"N": "1"})
    with pytest.raises(UnreadableRow):
        store.order(OrderId("3001"))
