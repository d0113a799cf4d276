"""The operator's desk: what may be asked for, by whom, and how often."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.errors import Forbidden, NotFound, RefundNotPossible
from chalicelib.money import Fen
from chalicelib.orders.model import OrderId, PayNo, PayRecord, PayStatus, RefundKind, RefundStatus
from chalicelib.orders.ports import Change
from chalicelib.orders.refunds.desk import MOST_REFUNDS, RefundAsk
from tests.builders import PAY_NO, a_pay_record
from tests.unit.orders.refunding import (
    OPERATOR,
    ORDER_ID,
    PRICE,
    SUPERVISOR,
    Refunding,
    a_paid_order,
    a_paid_record,
)

SECOND = PayNo("150000000000000002")


def a_second_payment() -> PayRecord:
    return a_paid_record(pay_no=SECOND, channel_trade_no="T2", version=1)


def test_a_refund_is_owed_at_once_and_reserves_its_money() -> None:
    world = Refunding()
    row = world.ask(300)
    assert (row.amount_fen, row.status, row.kind) == (300, "owed", RefundKind.ON_DEMAND)
    assert (row.requested_by, row.next_try_at) == (OPERATOR, world.clock.now())
    assert world.record.reserved_fen == 300
    world.assert_i1()


def test_without_an_amount_all_that_is_left_goes_back() -> None:
    world = Refunding()
    world.ask(300)
    assert world.ask(key="k2").amount_fen == PRICE - 300


def test_the_goods_go_when_the_whole_amount_goes() -> None:
    world = Refunding()
    part = world.ask(300)
    rest = world.ask(key="k2")
    assert (part.revoke, rest.revoke) == (False, True)


def test_the_operator_may_decide_about_the_goods() -> None:
    world = Refunding()
    assert world.ask(300, revoke=True).revoke
    assert not world.ask(690, key="k2", revoke=False).revoke


def test_the_same_words_under_the_same_key_ask_for_nothing_more() -> None:
    world = Refunding()
    first = world.ask(300)
    assert world.ask(300) == world.ask() == first
    assert world.record.reserved_fen == 300


@pytest.mark.parametrize(
    "other", [{"amount": 301}, {"reason": "重复支付"}, {"revoke": True}, {"pay_no": SECOND}]
)
def test_other_words_under_the_same_key_are_refused(other: dict[str, Any]) -> None:
    world = Refunding()
    world.ask(300)
    with pytest.raises(RefundNotPossible):
        world.ask(**{"amount": 300, **other})
    assert world.record.reserved_fen == 300


def test_the_same_key_for_two_payments_at_once_reserves_only_one() -> None:
    world = Refunding()
    store = world.store
    store.records[SECOND] = a_second_payment()
    store.orders[ORDER_ID] = a_paid_order(pay_nos=(PAY_NO, SECOND), version=1)

    def the_other_is_faster() -> None:
        store.before_commit = lambda: None
        world.ask(300, pay_no=SECOND)

    store.before_commit = the_other_is_faster
    with pytest.raises(RefundNotPossible):
        world.ask(300, pay_no=PAY_NO)
    assert len(store.refund_rows) == 1


def test_two_keys_at_once_never_reserve_more_than_was_paid() -> None:
    world = Refunding()

    def the_other_is_faster() -> None:
        world.store.before_commit = lambda: None
        world.ask(600, key="other")

    world.store.before_commit = the_other_is_faster
    with pytest.raises(RefundNotPossible, match=r"3\.90"):
        world.ask(600)
    world.assert_i1()


@pytest.mark.parametrize("amount", [0, -1, PRICE + 1])
def test_an_amount_that_was_not_paid_is_refused(amount: int) -> None:
    with pytest.raises(RefundNotPossible):
        Refunding().ask(amount)


def test_nothing_is_left_after_all_was_asked_for() -> None:
    world = Refunding()
    world.ask()
    with pytest.raises(RefundNotPossible):
        world.ask(key="k2")


def test_an_attempt_that_nobody_paid_is_not_refunded() -> None:
    world = Refunding()
    world.store.records[PAY_NO] = a_pay_record(status=PayStatus.CLOSED, version=1)
    with pytest.raises(RefundNotPossible, match="没有可退款的支付"):
        world.ask(1)


def test_a_payment_of_another_order_is_not_refunded() -> None:
    world = Refunding()
    world.store.records[SECOND] = a_second_payment()
    with pytest.raises(RefundNotPossible):
        world.ask(1, pay_no=SECOND)


def test_a_payment_has_so_many_refunds_at_most() -> None:
    world = Refunding()
    for number in range(MOST_REFUNDS):
        world.ask(1, key=f"k{number}")
    with pytest.raises(RefundNotPossible, match="50"):
        world.ask(1, key="one more")


def test_no_order_no_refund() -> None:
    world = Refunding()
    nowhere = OrderId("1")
    with pytest.raises(NotFound):
        world.desk.request(nowhere, RefundAsk(idempotency_key="k", reason="r"), OPERATOR)
    with pytest.raises(NotFound):
        world.desk.refunds_of(nowhere)
    with pytest.raises(NotFound):
        world.desk.approve("1_a", SUPERVISOR)


def test_the_refunds_of_an_order_are_those_of_all_its_payments() -> None:
    world = Refunding()
    world.store.records[SECOND] = a_second_payment()
    world.store.orders[ORDER_ID] = a_paid_order(pay_nos=(PAY_NO, SECOND), version=1)
    second = world.ask(2, key="k2", pay_no=SECOND)
    first = world.ask(1)
    assert world.desk.refunds_of(ORDER_ID) == (first, second)


def large() -> tuple[Refunding, str]:
    world = Refunding(approval_above=500)
    return world, world.ask(501).out_refund_no


def test_a_large_refund_waits_for_another_person() -> None:
    world, number = large()
    assert world.row(number).status is RefundStatus.AWAITING_APPROVAL
    world.clock.advance(hours=1)
    world.run()
    assert world.reports.count("RefundsAwaitingApproval") == 2, "it is not forgotten"
    assert world.row(number).status is RefundStatus.AWAITING_APPROVAL
    assert world.record.reserved_fen == 501
    approved = world.desk.approve(number, SUPERVISOR)
    assert (approved.status, approved.approved_by) == ("owed", SUPERVISOR)
    assert approved.next_try_at == world.clock.now()


def test_a_refund_of_just_the_limit_does_not_wait() -> None:
    assert Refunding(approval_above=500).ask(500).status is RefundStatus.OWED


def test_a_large_amount_in_small_parts_waits_for_approval_as_well() -> None:
    world = Refunding(approval_above=500)
    assert world.ask(300).status is RefundStatus.OWED
    waiting = world.ask(201, key="k2")
    assert waiting.status is RefundStatus.AWAITING_APPROVAL
    assert world.ask(200, key="k3").status is RefundStatus.OWED, "what waits is not out"
    world.desk.approve(waiting.out_refund_no, SUPERVISOR)
    world.assert_i1()


def test_nobody_approves_what_they_asked_for() -> None:
    world, number = large()
    with pytest.raises(Forbidden):
        world.desk.approve(number, OPERATOR)
    assert world.row(number).status is RefundStatus.AWAITING_APPROVAL


def test_a_refund_that_is_turned_down_frees_its_money() -> None:
    world, number = large()
    rejected = world.desk.reject(number, SUPERVISOR)
    assert (rejected.status, rejected.last_answer) == ("released", f"rejected by {SUPERVISOR}")
    assert world.record.reserved_fen == 0
    assert world.ask(PRICE, key="k2").amount_fen == PRICE
    world.assert_i1()


def test_deciding_twice_is_deciding_once() -> None:
    world, number = large()
    assert world.desk.approve(number, SUPERVISOR) == world.desk.approve(number, SUPERVISOR)
    world, number = large()
    assert world.desk.reject(number, SUPERVISOR) == world.desk.reject(number, SUPERVISOR)
    assert world.record.reserved_fen == 0


def test_who_decides_last_decides_nothing() -> None:
    world, number = large()
    world.desk.approve(number, SUPERVISOR)
    with pytest.raises(RefundNotPossible):
        world.desk.reject(number, SUPERVISOR)
    world, number = large()
    world.desk.reject(number, SUPERVISOR)
    with pytest.raises(RefundNotPossible):
        world.desk.approve(number, SUPERVISOR)


@pytest.mark.parametrize("decide", ["approve", "reject"])
def test_what_needs_no_approval_gets_none(decide: str) -> None:
    world = Refunding()
    number = world.ask(1).out_refund_no
    decision: Callable[[str, str], object] = getattr(world.desk, decide)
    with pytest.raises(RefundNotPossible):
        decision(number, SUPERVISOR)


def test_a_lost_answer_of_the_store_asks_for_nothing_twice() -> None:
    world = Refunding()
    written: list[Change] = []
    commit = world.store.commit

    def twice(change: Change) -> None:
        written.append(change)
        commit(change)
        commit(change)

    world.store.commit = twice  # type: ignore[method-assign]
    assert world.ask(300).amount_fen == Fen(300)
    assert len(written) == 1
    world.assert_i1()
