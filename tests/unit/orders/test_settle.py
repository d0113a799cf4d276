"""Steps 6 and 7: every verdict ends in the one right state, however often and late it comes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.deadline import Deadline
from chalicelib.errors import GoodsBeingOpened
from chalicelib.mq.message import parse_pay_result
from chalicelib.orders.model import OrderId, OrderStatus, PayStatus, RefundStatus, SurplusReason
from chalicelib.orders.ports import Change
from chalicelib.orders.verdict import (
    AlreadySettled,
    AttemptClosed,
    ClosedUnpaid,
    Contradiction,
    NothingToDo,
    NotThereYet,
    RefundSeen,
    Settled,
    StillOpen,
    Surplus,
    Unknown,
    Verdict,
)
from tests.unit.orders.shop import PRICE, RECORD, Shop


@pytest.fixture
def shop() -> Shop:
    return Shop()


def test_i4_a_payment_settles_order_record_and_message_together(shop: Shop) -> None:
    offer = shop.opened()
    paid_at = shop.clock.now()
    shop.clock.advance(minutes=2)
    assert shop.notified(offer.record.pay_no, shop.paid(at=paid_at)) == Settled()

    order, record = shop.order_of(offer), shop.record_of(offer)
    assert (order.status, order.paid_by_pay_no) == (OrderStatus.PAID, record.pay_no)
    assert (record.status, record.paid_fen) == (PayStatus.PAID, PRICE)
    assert order.paid_at == record.paid_at == paid_at, "the platform's time, not ours"
    (message,) = shop.store.outbox.values()
    told = parse_pay_result(message.body.encode())
    assert (told.out_business_id, told.valid_days, told.paid_at) == (RECORD, 365, paid_at)
    assert told.message_id == message.message_id == record.pay_no


def test_a_repeated_notify_settles_once(shop: Shop) -> None:
    offer = shop.opened()
    shop.notified(offer.record.pay_no, shop.paid())
    assert shop.notified(offer.record.pay_no, shop.paid()) == AlreadySettled()
    assert len(shop.store.outbox) == 1


def test_two_notifies_at_once_settle_once(shop: Shop) -> None:
    offer = shop.opened()
    other = []

    def the_other_container() -> None:
        shop.store.before_commit = lambda: None
        other.append(shop.notified(offer.record.pay_no, shop.paid()))

    shop.store.before_commit = the_other_container
    assert shop.notified(offer.record.pay_no, shop.paid()) == AlreadySettled()
    assert other == [Settled()]
    assert len(shop.store.outbox) == 1


@pytest.mark.parametrize("verdict", [StillOpen(), NotThereYet(), Unknown("TRADE_WHATEVER")])
def test_a_verdict_without_a_result_changes_nothing(shop: Shop, verdict: Verdict) -> None:
    offer = shop.opened()
    assert isinstance(shop.notified(offer.record.pay_no, verdict), NothingToDo)
    assert shop.order_of(offer).status is OrderStatus.UNPAID
    assert shop.record_of(offer).status is PayStatus.UNPAID
    assert shop.store.outbox == {}


def test_an_unknown_status_raises_an_alarm(shop: Shop) -> None:
    offer = shop.opened()
    shop.notified(offer.record.pay_no, Unknown("TRADE_WHATEVER"))
    assert shop.reports == ["UnknownVerdicts"]


@pytest.mark.parametrize("fen", [1, PRICE - 1, PRICE + 1])
def test_a_wrong_amount_is_kept_as_owed_and_grants_nothing(shop: Shop, fen: int) -> None:
    offer = shop.opened()
    settlement = shop.notified(offer.record.pay_no, shop.paid(fen=fen))

    assert settlement == Surplus(SurplusReason.WRONG_AMOUNT)
    assert shop.order_of(offer).status is OrderStatus.UNPAID
    assert shop.record_of(offer).status is PayStatus.PAID
    (refund,) = shop.store.refund_rows.values()
    assert (refund.amount_fen, refund.status) == (fen, RefundStatus.OWED)
    assert shop.store.outbox == {}
    assert shop.reports == ["RefundsOwed"]


def test_a_closed_attempt_frees_the_order_for_a_new_one(shop: Shop) -> None:
    offer = shop.opened()
    assert shop.notified(offer.record.pay_no, ClosedUnpaid()) == AttemptClosed()
    new = shop.offer()
    assert (new.order.order_id, new.order.status) == (offer.order.order_id, OrderStatus.UNPAID)
    assert new.record.pay_no != offer.record.pay_no


def test_i3_a_payment_of_an_earlier_attempt_pays_the_order_and_withdraws_the_live_one(
    shop: Shop,
) -> None:
    first = shop.opened()
    shop.notified(first.record.pay_no, ClosedUnpaid())
    second = shop.opened()
    assert shop.notified(first.record.pay_no, shop.paid()) == Settled()

    assert shop.order_of(first).paid_by_pay_no == first.record.pay_no
    assert shop.record_of(second).status is PayStatus.CLOSED
    assert shop.record_of(second).still_payable_until is not None


def test_a_second_payment_of_an_order_is_owed_back(shop: Shop) -> None:
    first = shop.opened()
    shop.notified(first.record.pay_no, ClosedUnpaid())
    second = shop.opened()
    shop.notified(second.record.pay_no, shop.paid(trade_no="T2"))
    late = shop.notified(first.record.pay_no, shop.paid(trade_no="T1"))

    assert late == Surplus(SurplusReason.SECOND_PAYMENT)
    assert shop.order_of(first).paid_by_pay_no == second.record.pay_no
    assert len(shop.store.outbox) == 1
    assert shop.balance() == (2 * PRICE, PRICE, 0, PRICE)


def test_a_payment_in_time_reopens_its_closed_order(shop: Shop) -> None:
    """The order was closed by its successor's price change; the successor is then not paid."""
    offer = shop.opened()
    paid = shop.paid()
    shop.clock.advance(minutes=30)
    shop.alipay.verdict = ClosedUnpaid()
    shop.results.ask(shop.record_of(offer), Deadline.after(5))
    _close(shop, offer.order.order_id)

    assert shop.notified(offer.record.pay_no, paid) == Settled()
    assert shop.order_of(offer).status is OrderStatus.PAID


def test_a_payment_too_late_for_its_closed_order_is_owed_back(shop: Shop) -> None:
    offer = shop.opened()
    _close(shop, offer.order.order_id)
    shop.clock.advance(minutes=33)

    late = shop.notified(offer.record.pay_no, shop.paid())
    assert late == Surplus(SurplusReason.TOO_LATE)
    assert shop.order_of(offer).status is OrderStatus.CLOSED


def test_a_payment_for_an_order_with_a_successor_is_owed_back(shop: Shop) -> None:
    offer = shop.opened()
    paid = shop.paid()
    shop.clock.advance(minutes=30)
    shop.alipay.verdict = NotThereYet()
    successor = shop.offer()

    late = shop.notified(offer.record.pay_no, paid)
    assert late == Surplus(SurplusReason.TOO_LATE)
    assert shop.order_of(successor).status is OrderStatus.UNPAID
    assert shop.store.outbox == {}


def test_paid_and_wholly_given_back_grants_nothing(shop: Shop) -> None:
    offer = shop.opened()
    assert shop.notified(offer.record.pay_no, shop.paid(back=PRICE)) == RefundSeen()
    assert shop.record_of(offer).status is PayStatus.REFUNDED
    assert shop.order_of(offer).status is OrderStatus.UNPAID
    assert shop.store.outbox == {}


def test_a_partial_refund_of_an_unknown_payment_settles_it(shop: Shop) -> None:
    offer = shop.opened()
    assert shop.notified(offer.record.pay_no, shop.paid(back=100)) == Settled()
    assert shop.record_of(offer).refunded_fen == 100
    assert shop.balance() == (PRICE, PRICE - 100, 100, 0)


def test_a_partial_refund_of_a_known_payment_never_settles_twice(shop: Shop) -> None:
    offer = shop.opened()
    shop.notified(offer.record.pay_no, shop.paid())
    assert shop.notified(offer.record.pay_no, shop.paid(back=100)) == RefundSeen()
    assert shop.order_of(offer).status is OrderStatus.PAID
    assert len(shop.store.outbox) == 1


def test_a_full_refund_at_the_platform_shows_in_order_and_record(shop: Shop) -> None:
    offer = shop.opened()
    shop.notified(offer.record.pay_no, shop.paid())
    shop.notified(offer.record.pay_no, shop.paid(back=PRICE))
    assert shop.order_of(offer).status is OrderStatus.REFUNDED
    assert shop.record_of(offer).status is PayStatus.REFUNDED


@given(
    steps=st.lists(
        st.sampled_from(
            [
                "pay first",
                "pay second",
                "close first",
                "refund part first",
                "refund part second",
                "?",
            ]
        ),
        max_size=8,
    )
)
def test_i1_paid_is_kept_plus_refunded_plus_owed_in_any_order_of_verdicts(steps: list[str]) -> None:
    shop = Shop()
    first = shop.opened()
    shop.notified(first.record.pay_no, ClosedUnpaid())
    second = shop.opened()
    for n, step in enumerate(steps):
        pay_no = (second if "second" in step else first).record.pay_no
        trade_no = f"T-{pay_no}"
        verdict: Verdict = Unknown("?")
        if step.startswith("pay"):
            verdict = shop.paid(trade_no=trade_no)
        elif step.startswith("close"):
            verdict = ClosedUnpaid()
        elif step.startswith("refund part"):
            verdict = shop.paid(trade_no=trade_no, back=100)
        shop.notified(pay_no, verdict, notify_id=str(n))
        shop.clock.advance(seconds=1)

    paid, kept, refunded, owed = shop.balance()
    assert paid == kept + refunded + owed
    assert len(shop.store.outbox) <= 1
    assert (len(shop.store.outbox) == 1) == any("pay" in s or "refund" in s for s in steps)


def _close(shop: Shop, order_id: str) -> None:
    order = shop.store.orders[OrderId(order_id)]
    closed = replace(order, status=OrderStatus.CLOSED)
    shop.store.commit(Change(write_id="close", orders=(closed,)))


def test_the_grace_of_a_late_payment_is_two_minutes(shop: Shop) -> None:
    offer = shop.opened()
    _close(shop, offer.order.order_id)
    at = offer.order.expires_at + timedelta(minutes=2)
    assert shop.notified(offer.record.pay_no, shop.paid(at=at)) == Settled()


def test_a_payment_that_reopens_an_order_beats_its_successor(shop: Shop) -> None:
    """The late payment commits between the successor's reads and its write."""
    offer = shop.opened()
    paid = shop.paid()
    _close(shop, offer.order.order_id)

    def the_late_payment() -> None:
        shop.store.before_commit = lambda: None
        assert shop.notified(offer.record.pay_no, paid) == Settled()

    shop.store.before_commit = the_late_payment
    with pytest.raises(GoodsBeingOpened):
        shop.offer()
    assert len(shop.store.orders) == 1


def test_a_surplus_is_counted_until_it_is_paid_back(shop: Shop) -> None:
    offer = shop.opened()
    shop.notified(offer.record.pay_no, shop.paid(fen=1))
    shop.reports.clear()

    again = shop.notified(offer.record.pay_no, shop.paid(fen=1))
    assert again == AlreadySettled(still_owed=True)
    assert shop.reports == ["RefundsOwed"]


def test_another_trade_for_a_paid_attempt_is_an_alarm(shop: Shop) -> None:
    offer = shop.opened()
    shop.notified(offer.record.pay_no, shop.paid(trade_no="T1"))
    shop.reports.clear()

    other = shop.notified(offer.record.pay_no, shop.paid(trade_no="T2"), notify_id="n2")
    assert isinstance(other, Contradiction)
    assert shop.reports == ["ContradictingVerdicts"]


def test_an_unpaid_close_of_a_paid_attempt_is_an_alarm(shop: Shop) -> None:
    offer = shop.opened()
    shop.notified(offer.record.pay_no, shop.paid())
    assert isinstance(shop.notified(offer.record.pay_no, ClosedUnpaid()), Contradiction)
    assert shop.order_of(offer).status is OrderStatus.PAID
