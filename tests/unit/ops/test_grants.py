"""What operators read about goods that have not followed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib import wiring
from chalicelib.ops.grants import told, unsettled
from chalicelib.orders.model import OrderId, OrderStatus
from chalicelib.purchasables import SaleStatus
from infra.ops.__main__ import main
from tests.fakes.clock import START
from tests.unit.orders.auditing import PAID_KEY, Auditing, revoked
from tests.unit.orders.refunding import ORDER_ID, a_paid_order


@pytest.fixture
def auditing(monkeypatch: pytest.MonkeyPatch) -> Auditing:
    """The deployment that the command line is pointed at."""
    made = Auditing(next_audit_at=None)
    parts = {"order_store": made.store, "grant_audit": made.audit, "clock": made.clock}
    for name, part in parts.items():
        monkeypatch.setattr(wiring, name, lambda part=part: part)
    return made


def test_paid_and_not_open_is_answered_and_its_message_goes_out_again(
    auditing: Auditing, capsys: pytest.CaptureFixture[str]
) -> None:
    auditing.seller_says(SaleStatus.AWAITING_PAYMENT)
    assert main(["grants", "audit", ORDER_ID]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"order {ORDER_ID}: PAID, course"
    assert "paid at 2026-" in lines[1]
    assert "the seller says: awaiting payment, expected: granted" in lines[2]
    assert "the message was put into the outbox again" in lines[3]
    assert "audited again at 2026-" in lines[4]
    assert auditing.emitted() == [PAID_KEY]


def test_an_open_course_is_said_to_be_open(
    auditing: Auditing, capsys: pytest.CaptureFixture[str]
) -> None:
    auditing.seller_says(SaleStatus.GRANTED)
    assert main(["grants", "audit", ORDER_ID]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "  the goods have followed"
    assert auditing.emitted() == []


def test_an_order_that_nobody_has_fails(
    auditing: Auditing, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["grants", "audit", "1"]) == 1
    assert "failed:" in capsys.readouterr().err


def test_an_order_that_somebody_changes_meanwhile_is_to_be_audited_again(
    auditing: Auditing, capsys: pytest.CaptureFixture[str]
) -> None:
    auditing.store.before_commit = lambda: auditing.change(claim_token="c")
    assert main(["grants", "audit", ORDER_ID]) == 1
    assert "somebody else has changed the order" in capsys.readouterr().out


def test_a_refund_and_a_record_that_no_seller_knows_are_named() -> None:
    lines = list(told(Auditing(**revoked()).audit.audit(ORDER_ID)))
    assert any("were to go back by refund" in line for line in lines)
    assert any("no seller knows the record, expected: taken back" in line for line in lines)


def test_an_order_that_was_never_paid_expects_nothing() -> None:
    unpaid = Auditing(status=OrderStatus.UNPAID, paid_by_pay_no=None, paid_at=None)
    lines = list(told(unpaid.audit.audit(ORDER_ID)))
    assert lines[0] == f"order {ORDER_ID}: UNPAID, course"
    assert lines[1].endswith("no seller knows the record")
    assert lines[2].strip().startswith("the order was never paid")


def test_the_list_has_what_an_audit_found_missing_and_nothing_else(
    auditing: Auditing, capsys: pytest.CaptureFixture[str]
) -> None:
    now = auditing.clock.now()
    for number, (audits, due) in enumerate([(0, now), (2, now), (0, None), (4, None)], start=1):
        order_id = OrderId(str(int(ORDER_ID) + number))
        order = a_paid_order(order_id=order_id, audits=audits, next_audit_at=due)
        auditing.put(order)
    assert main(["grants", "list"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith(f"{int(ORDER_ID) + 2} paid, not granted: 2 audits, due since 2026-")
    assert lines[1] == "found without their goods: 1; to be audited in all: 2"


def test_the_list_tells_refunds_from_payments_and_what_is_due_from_what_waits() -> None:
    auditing = Auditing(**revoked())
    auditing.run()
    assert auditing.order.next_audit_at is not None
    waiting, _ = unsettled(auditing.store, auditing.clock.now())
    due, _ = unsettled(auditing.store, auditing.order.next_audit_at)
    assert waiting.startswith(f"{ORDER_ID} refunded, not taken back: 1 audits, next audit")
    assert due == waiting.replace("next audit", "due since")


def test_an_order_that_is_well_by_now_is_not_listed_whatever_the_index_says() -> None:
    auditing = Auditing()
    auditing.run()
    order = auditing.order
    assert order.next_audit_at is not None
    stale = list(auditing.store.due_audits(order.next_audit_at, 1))
    auditing.store.orders[ORDER_ID] = replace(order, next_audit_at=None)
    auditing.store.due_audits = lambda now, page: iter(stale)  # type: ignore[method-assign]
    assert list(unsettled(auditing.store, auditing.clock.now())) == [
        "found without their goods: 0; to be audited in all: 1"
    ]


def test_an_order_that_waits_a_day_is_not_hidden_by_a_thousand_that_were_just_paid() -> None:
    auditing = Auditing(audits=6, next_audit_at=START + timedelta(days=1))
    just_paid = a_paid_order(next_audit_at=START + timedelta(minutes=5))
    for number in range(1, 1_201):
        order_id = OrderId(str(int(ORDER_ID) + number))
        auditing.store.orders[order_id] = replace(just_paid, order_id=order_id)

    waiting, in_all = unsettled(auditing.store, START)
    assert waiting.startswith(f"{ORDER_ID} paid, not granted: 6 audits")
    assert in_all == "found without their goods: 1; to be audited in all: 1201"
