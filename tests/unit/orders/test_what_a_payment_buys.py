"""Settling a payment: for what it buys the goods, and what becomes of the attempt beside it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.money import Fen
from chalicelib.orders.model import OrderId, OrderStatus, PayStatus, SurplusReason
from chalicelib.orders.settle import Case, settle
from chalicelib.orders.verdict import ClosedThere, Settled, StillOpen, Surplus
from tests.unit.orders.shop import ALIPAY, PRICE, Shop, in_wechat


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def case(shop: Shop) -> Case:
    """An attempt of an unpaid order, opened, and nothing strange about it."""
    offer = shop.opened()
    record = shop.record_of(offer)
    return Case(
        order=shop.order_of(offer),
        item=shop.store.items(offer.order.order_id)[0],
        record=record,
        live=record,
        refunds=(),
        guarded_by=offer.order.order_id,
    )


def _assert_owed(shop: Shop, case: Case, fen: int, reason: SurplusReason) -> None:
    settlement, change = settle(case, shop.paid(fen=fen), shop.clock.now(), "w")
    assert settlement == Surplus(reason)
    assert change is not None
    assert (change.orders, change.messages, change.take_guard) == ((), (), None)
    assert [refund.amount_fen for refund in change.refunds] == [fen]
    (record,) = change.pay_records
    assert (record.status, record.paid_fen, record.surplus) == (PayStatus.PAID, fen, reason)


def test_the_full_price_of_the_order_in_force_buys_the_goods(shop: Shop, case: Case) -> None:
    settlement, change = settle(case, shop.paid(), shop.clock.now(), "w")
    assert settlement == Settled()
    assert change is not None
    assert [order.status for order in change.orders] == [OrderStatus.PAID]
    assert (len(change.messages), change.refunds) == (1, ())


@pytest.mark.parametrize("fen", [PRICE, PRICE + 1])
@pytest.mark.parametrize("differs", ["order", "attempt"])
def test_i2_a_payment_must_be_the_total_of_the_order_and_of_its_attempt(
    shop: Shop, case: Case, differs: str, fen: int
) -> None:
    other = Fen(PRICE + 1)
    if differs == "order":
        case = replace(case, order=replace(case.order, total_fen=other))
    else:
        case = replace(case, record=replace(case.record, amount_fen=other))
    _assert_owed(shop, case, fen, SurplusReason.WRONG_AMOUNT)


def test_a_payment_of_an_unpaid_order_that_another_has_superseded_is_owed_back(
    shop: Shop, case: Case
) -> None:
    superseded = replace(case, guarded_by=OrderId("1"))
    _assert_owed(shop, superseded, PRICE, SurplusReason.SECOND_PAYMENT)


def test_i3_the_attempt_withdrawn_by_a_payment_is_due_at_once_and_closed_there(
    shop: Shop,
) -> None:
    first = shop.opened(ALIPAY)
    shop.open(first.record.pay_no, in_wechat())
    second = shop.order_of(first).live_pay_no
    shop.clock.advance(seconds=7)
    shop.notified(first.record.pay_no, shop.paid())
    assert shop.store.records[second].next_check_at == shop.clock.now()

    shop.wechat.verdict, shop.wechat.close_answer = StillOpen(), ClosedThere()
    shop.watch()
    assert shop.wechat.closed == [second]
    assert shop.store.records[second].still_payable_until is None


def test_a_payment_first_heard_of_with_refunds_raises_an_alarm(shop: Shop) -> None:
    offer = shop.opened(in_wechat())
    shop.notified(offer.record.pay_no, replace(shop.paid(), has_refunds=True))
    assert shop.reports == ["RefundsToCheck", "OrdersPaid"]
