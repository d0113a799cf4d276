"""What goes back without us, and what it means for what we owe and for the order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.money import Fen
from chalicelib.orders.model import (
    OrderStatus,
    PayRecord,
    PayStatus,
    Refund,
    RefundKind,
    RefundStatus,
    SurplusReason,
)
from chalicelib.orders.refunds.money_back import (
    consequences,
    external_refund,
    owed_fen,
    surplus_refund,
    told_back,
)
from chalicelib.orders.refunds.sums import counted
from tests.builders import PAY_NO
from tests.fakes.clock import START
from tests.unit.orders.refunding import PRICE, a_paid_order, a_paid_record, an_item

NOW = START


def a_refund(fen: int, status: RefundStatus = RefundStatus.OWED, **changes: Any) -> Refund:
    refund = Refund(
        out_refund_no=f"{PAY_NO}_a",
        pay_no=PAY_NO,
        order_id=a_paid_order().order_id,
        kind=RefundKind.ON_DEMAND,
        amount_fen=Fen(fen),
        amount_asked_fen=Fen(fen),
        reason="学员申请",
        revoke=False,
        status=status,
        created_at=NOW,
        next_try_at=NOW,
    )
    return replace(refund, **changes)


def paid_with(*refunds: Refund) -> tuple[PayRecord, tuple[Refund, ...]]:
    numbers = tuple(refund.out_refund_no for refund in refunds)
    return counted(a_paid_record(refund_nos=numbers), refunds), refunds


def test_a_surplus_is_owed_in_full_and_at_once() -> None:
    record, refund = surplus_refund(a_paid_record(), SurplusReason.SECOND_PAYMENT, NOW)
    assert (refund.amount_fen, refund.status, refund.next_try_at) == (PRICE, "owed", NOW)
    assert (refund.kind, refund.revoke) == (RefundKind.AUTOMATIC, False)
    assert (record.reserved_fen, record.surplus) == (PRICE, SurplusReason.SECOND_PAYMENT)
    assert record.refund_nos == (refund.out_refund_no,) == (f"{PAY_NO}_second_payment",)


def test_of_a_surplus_that_is_partly_back_only_the_rest_is_owed() -> None:
    record, _ = told_back(a_paid_record(), (), Fen(90), NOW)
    record, refund = surplus_refund(record, SurplusReason.TOO_LATE, NOW)
    assert refund.amount_fen == PRICE - 90
    assert record.reserved_fen == PRICE


def test_a_refund_of_the_portal_is_stored_once() -> None:
    record, rows = told_back(a_paid_record(), (), Fen(300), NOW)
    assert [(row.kind, row.status, row.amount_fen) for row in rows] == [("external", "done", 300)]
    assert (record.refunded_fen, record.reserved_fen, record.told_back_fen) == (300, 300, 300)
    assert told_back(record, rows, Fen(300), NOW) == (record, ())


def test_a_smaller_sum_that_is_told_late_changes_nothing() -> None:
    record, rows = told_back(a_paid_record(), (), Fen(300), NOW)
    assert told_back(record, rows, Fen(100), NOW) == (record, ())


def test_more_than_was_paid_is_never_back() -> None:
    record, rows = told_back(a_paid_record(), (), Fen(PRICE + 1), NOW)
    assert rows[0].amount_fen == record.refunded_fen == PRICE
    assert record.status is PayStatus.REFUNDED


def test_while_a_refund_may_be_at_the_platform_the_sum_is_only_noted() -> None:
    record, rows = paid_with(a_refund(300, RefundStatus.SENT))
    after, changed = told_back(record, rows, Fen(300), NOW)
    assert (after.told_back_fen, changed) == (300, ())
    assert replace(after, told_back_fen=Fen(0)) == record


def test_the_portal_pays_off_what_needs_a_person_before_what_waits() -> None:
    waits = a_refund(400, out_refund_no=f"{PAY_NO}_w")
    manual = a_refund(300, RefundStatus.MANUAL, out_refund_no=f"{PAY_NO}_m")
    record, rows = paid_with(waits, manual)
    after, (external, *changed) = told_back(record, rows, Fen(450), NOW)
    assert {row.out_refund_no[-1]: (row.amount_fen, row.status) for row in changed} == {
        "m": (0, "released"),
        "w": (250, "owed"),
    }
    assert external.amount_fen == 450
    assert owed_fen(changed) == 250
    assert after.reserved_fen == 700


def test_what_nobody_approved_gives_way_only_where_it_no_longer_fits() -> None:
    asked = a_refund(500, RefundStatus.AWAITING_APPROVAL, next_try_at=None)
    record, rows = paid_with(asked)
    fits, (_, *unchanged) = told_back(record, rows, Fen(490), NOW)
    assert (fits.reserved_fen, unchanged) == (990, [])
    tight, (_, less) = told_back(record, rows, Fen(600), NOW)
    assert (less.amount_fen, less.amount_asked_fen, less.status) == (390, 500, "awaiting_approval")
    assert tight.reserved_fen == 990


def test_less_of_a_refund_that_the_platform_may_know_gets_another_number() -> None:
    owed_again = a_refund(500, sent_at=NOW)
    record, rows = paid_with(owed_again)
    _, (_, less) = told_back(record, rows, Fen(200), NOW)
    assert (less.amount_fen, less.channel_refund_no) == (300, f"{PAY_NO}_a_2")


def test_whoever_pays_off_in_the_portal_takes_the_goods_as_it_was_asked() -> None:
    record, rows = paid_with(a_refund(500, RefundStatus.MANUAL, revoke=True))
    _, (part, _) = told_back(record, rows, Fen(200), NOW)
    _, (whole, _) = told_back(record, rows, Fen(500), NOW)
    assert (part.revoke, whole.revoke) == (False, True)


@pytest.mark.parametrize("status", [RefundStatus.AWAITING_APPROVAL, RefundStatus.RELEASED])
def test_what_was_never_approved_takes_no_goods(status: RefundStatus) -> None:
    record, rows = paid_with(a_refund(PRICE, status, revoke=True, next_try_at=None))
    _, (external, *_) = told_back(record, rows, Fen(PRICE), NOW)
    assert not external.revoke


def test_a_refund_that_the_platform_names_is_stored_once() -> None:
    record, rows = external_refund(a_paid_record(), (), "P-77", Fen(300), NOW, NOW)
    assert rows[0].out_refund_no.startswith(f"{PAY_NO}_external_")
    assert rows[0].refunded_at == NOW
    assert external_refund(record, rows, "P-77", Fen(300), NOW, NOW) == (record, ())
    _, second = external_refund(record, rows, "P-78", Fen(300), NOW, NOW)
    assert second[0].amount_fen == 300


def test_a_refund_at_the_platform_that_can_never_succeed_is_cut_to_what_is_left() -> None:
    record, rows = paid_with(a_refund(700, RefundStatus.SENT, sent_at=NOW, revoke=True))
    after, (external, cut) = external_refund(record, rows, "P-77", Fen(500), NOW, NOW)
    assert (cut.status, cut.amount_fen, cut.generation) == ("owed", 490, 2)
    assert after.reserved_fen == PRICE
    assert not external.revoke


def test_the_order_is_refunded_when_all_of_its_payment_is_back() -> None:
    record, (row,) = told_back(a_paid_record(), (), Fen(PRICE), NOW)
    (order,), (message,) = consequences(a_paid_order(), an_item(), record, row, NOW)
    assert (order.status, order.revoked_by) == (OrderStatus.REFUNDED, row.out_refund_no)
    assert message.event_key == f"{order.order_id}#refund#{row.out_refund_no}"
    assert message.message_id == row.out_refund_no


def test_part_of_the_money_leaves_the_goods() -> None:
    record, (row,) = told_back(a_paid_record(), (), Fen(300), NOW)
    assert consequences(a_paid_order(), an_item(), record, row, NOW) == ((), ())


def test_goods_are_taken_back_once() -> None:
    record, rows = paid_with(a_refund(300, RefundStatus.DONE, revoke=True))
    order = a_paid_order(revoked_by=f"{PAY_NO}_before")
    assert consequences(order, an_item(), record, rows[0], NOW) == ((), ())


@pytest.mark.parametrize("status", [RefundStatus.OWED, RefundStatus.SENT, RefundStatus.RELEASED])
def test_what_the_platform_has_not_accepted_takes_no_goods(status: RefundStatus) -> None:
    record, rows = paid_with(a_refund(300, status, revoke=True))
    assert consequences(a_paid_order(), an_item(), record, rows[0], NOW) == ((), ())


def test_a_surplus_that_goes_back_means_nothing_for_the_order() -> None:
    record, (row,) = told_back(a_paid_record(), (), Fen(PRICE), NOW)
    order = a_paid_order(paid_by_pay_no="150000000000000002")
    assert consequences(order, an_item(), record, row, NOW) == ((), ())
