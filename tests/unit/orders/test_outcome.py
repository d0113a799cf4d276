"""How an order stands: answered from what is stored, or by asking its platform, not too often."""

from __future__ import annotations

import pytest

from chalicelib.deadline import Deadline
from chalicelib.errors import ChannelUnavailable
from chalicelib.orders.model import OrderStatus, PayStatus
from chalicelib.orders.verdict import ClosedUnpaid, NotThereYet
from tests.unit.orders.shop import Shop


@pytest.fixture
def shop() -> Shop:
    return Shop()


def test_the_result_asks_the_platform_once_in_three_seconds(shop: Shop) -> None:
    offer = shop.opened()
    shop.alipay.verdict = NotThereYet()
    for _ in range(4):
        shop.results.outcome(offer.record.pay_no, Deadline.after(8))
        shop.clock.advance(seconds=1)
    assert len(shop.alipay.asked) == 2


def test_the_result_of_an_attempt_that_nobody_opened_asks_nobody(shop: Shop) -> None:
    offer = shop.offer()
    shop.results.outcome(offer.record.pay_no, Deadline.after(8))
    assert shop.alipay.asked == []


def test_the_result_of_a_withdrawn_attempt_asks_while_it_may_be_paid_and_no_longer(
    shop: Shop,
) -> None:
    offer = shop.opened()
    shop.cancel(offer)
    until = shop.record_of(offer).still_payable_until
    assert until is not None
    shop.alipay.verdict = NotThereYet()
    shop.clock.set(until)
    shop.results.outcome(offer.record.pay_no, Deadline.after(8))
    assert shop.alipay.asked == [offer.record.pay_no]

    shop.clock.advance(seconds=4)
    shop.results.outcome(offer.record.pay_no, Deadline.after(8))
    assert shop.alipay.asked == [offer.record.pay_no]


def test_the_result_settles_what_the_platform_says(shop: Shop) -> None:
    offer = shop.opened()
    shop.alipay.verdict = shop.paid()
    outcome = shop.results.outcome(offer.record.pay_no, Deadline.after(8))
    assert (outcome.order.status, outcome.record.status) == (OrderStatus.PAID, PayStatus.PAID)


def test_a_silent_platform_leaves_the_stored_result(shop: Shop) -> None:
    offer = shop.opened()
    shop.alipay.verdict = ChannelUnavailable()
    outcome = shop.results.outcome(offer.record.pay_no, Deadline.after(8))
    assert outcome.order.status is OrderStatus.UNPAID
    assert shop.reports == ["QueryUnanswered"]


def test_a_payment_through_an_old_link_is_found_by_asking_about_the_old_number(shop: Shop) -> None:
    """An old link opens the attempt on offer; its payer polls the number that the link names."""
    first = shop.opened()
    shop.notified(first.record.pay_no, ClosedUnpaid())
    second = shop.offer()
    shop.open(first.record.pay_no)
    shop.alipay.verdict = shop.paid()

    outcome = shop.results.outcome(first.record.pay_no, Deadline.after(8))
    assert shop.alipay.asked == [second.record.pay_no]
    assert outcome.order.status is OrderStatus.PAID
