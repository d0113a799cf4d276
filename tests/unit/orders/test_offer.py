"""Step 2: one order per choose-course record, at the catalogue's price."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.errors import (
    ChannelUnavailable,
    CourseBeingOpened,
    NotForSale,
    NotFound,
    OrderAlreadyPaid,
    PaymentInProgress,
)
from chalicelib.money import Fen
from chalicelib.orders.model import (
    ClosedUnpaid,
    NotThereYet,
    OrderStatus,
    PayStatus,
    StillOpen,
    SurplusReason,
)
from chalicelib.purchasables import SaleStatus
from tests.unit.orders.shop import COURSE, PRICE, RECORD, Shop


@pytest.fixture
def shop() -> Shop:
    return Shop()


def test_an_order_freezes_title_price_and_validity(shop: Shop) -> None:
    offer = shop.offer()

    (item,) = shop.store.items(offer.order.order_id)
    assert (item.title, item.price_fen, item.valid_days) == (COURSE.title, PRICE, 365)
    assert offer.order.total_fen == offer.record.amount_fen == PRICE
    assert offer.order.status is OrderStatus.UNPAID
    assert offer.record.status is PayStatus.UNPAID
    assert offer.order.expires_at - shop.clock.now() == timedelta(minutes=30)
    assert offer.record.channel is None


def test_asking_again_gives_the_same_order_and_pay_number(shop: Shop) -> None:
    first = shop.offer()
    shop.clock.advance(minutes=10)
    again = shop.offer()

    assert again == first
    assert len(shop.store.orders) == len(shop.store.records) == 1


def test_a_double_click_makes_one_order(shop: Shop) -> None:
    """The other click commits between our reads and our write."""
    other: list[str] = []

    def the_other_click() -> None:
        shop.store.before_commit = lambda: None
        other.append(shop.offer().record.pay_no)

    shop.store.before_commit = the_other_click
    ours = shop.offer()

    assert [ours.record.pay_no] == other
    assert len(shop.store.orders) == 1


def test_somebody_elses_record_is_as_good_as_none(shop: Shop) -> None:
    with pytest.raises(NotFound) as theirs:
        shop.offer(user_id="student-2")
    with pytest.raises(NotFound) as unknown:
        shop.offer(record="1")

    assert theirs.value.message == unknown.value.message
    assert shop.store.orders == {}


def test_what_the_seller_does_not_offer_cannot_be_ordered(shop: Shop) -> None:
    shop.goods.put(replace(COURSE, status=SaleStatus.NOT_FOR_SALE))
    with pytest.raises(NotForSale):
        shop.offer()
    assert shop.store.orders == {}


def test_a_granted_record_is_already_paid(shop: Shop) -> None:
    shop.goods.put(replace(COURSE, status=SaleStatus.GRANTED))
    with pytest.raises(OrderAlreadyPaid):
        shop.offer()


def test_between_payment_and_grant_the_course_is_being_opened(shop: Shop) -> None:
    offer = shop.opened()
    shop.notified(offer.record.pay_no, shop.paid())

    with pytest.raises(CourseBeingOpened):
        shop.offer()
    assert len(shop.store.orders) == 1


def test_a_new_price_replaces_an_order_that_nobody_opened(shop: Shop) -> None:
    old = shop.offer()
    shop.goods.put(replace(COURSE, price_fen=Fen(1990)))
    new = shop.offer()

    assert new.order.order_id != old.order.order_id
    assert (new.previous_price_fen, new.order.total_fen) == (PRICE, 1990)
    assert shop.order_of(old).status is OrderStatus.CLOSED
    assert shop.record_of(old).status is PayStatus.CLOSED
    assert shop.record_of(old).still_payable_until is None, "it was never opened"
    assert shop.store.guards[RECORD] == new.order.order_id


def test_an_opened_attempt_keeps_its_price_until_it_expires(shop: Shop) -> None:
    old = shop.opened()
    shop.goods.put(replace(COURSE, price_fen=Fen(1990)))

    assert shop.offer().record.pay_no == old.record.pay_no


def test_an_order_with_too_little_time_left_is_replaced(shop: Shop) -> None:
    old = shop.offer()
    shop.clock.advance(minutes=28, seconds=31)
    new = shop.offer()

    assert new.order.order_id != old.order.order_id
    assert new.previous_price_fen is None
    assert shop.order_of(old).status is OrderStatus.CLOSED


@pytest.mark.parametrize("verdict", [NotThereYet(), ClosedUnpaid()])
def test_an_expired_opened_order_is_replaced_once_the_platform_says_unpaid(
    shop: Shop, verdict: NotThereYet | ClosedUnpaid
) -> None:
    old = shop.opened()
    shop.clock.advance(minutes=30)
    shop.alipay.verdict = verdict
    new = shop.offer()

    assert new.order.order_id != old.order.order_id
    assert shop.alipay.asked == [old.record.pay_no]
    assert shop.record_of(old).status is PayStatus.CLOSED


def test_i3_a_withdrawn_attempt_that_was_opened_stays_watched(shop: Shop) -> None:
    old = shop.opened()
    shop.clock.advance(minutes=30)
    shop.alipay.verdict = NotThereYet()
    shop.offer()

    assert shop.record_of(old).still_payable_until == old.order.expires_at + timedelta(minutes=5)


@pytest.mark.parametrize("answer", [StillOpen(), ChannelUnavailable()])
def test_an_expired_order_whose_payment_may_still_arrive_is_not_replaced(
    shop: Shop, answer: StillOpen | ChannelUnavailable
) -> None:
    old = shop.opened()
    shop.clock.advance(minutes=30)
    shop.alipay.verdict = answer

    with pytest.raises(PaymentInProgress) as refused:
        shop.offer()
    assert refused.value.retry_after_seconds
    assert shop.order_of(old).status is OrderStatus.UNPAID


def test_an_expired_order_that_turns_out_paid_is_settled_instead(shop: Shop) -> None:
    old = shop.opened()
    paid = shop.paid()
    shop.clock.advance(minutes=30)
    shop.alipay.verdict = paid

    with pytest.raises(CourseBeingOpened):
        shop.offer()
    assert shop.order_of(old).status is OrderStatus.PAID


def test_after_a_wrong_amount_the_order_is_offered_under_a_new_number(shop: Shop) -> None:
    old = shop.opened()
    shop.notified(old.record.pay_no, shop.paid(fen=1))
    assert shop.record_of(old).surplus is SurplusReason.WRONG_AMOUNT
    new = shop.offer()

    assert new.order.order_id == old.order.order_id
    assert new.record.pay_no != old.record.pay_no
    assert new.record.channel is None


def test_a_new_attempt_is_made_at_the_catalogues_new_price(shop: Shop) -> None:
    old = shop.opened()
    shop.notified(old.record.pay_no, ClosedUnpaid())
    shop.goods.put(replace(COURSE, price_fen=Fen(1990)))
    new = shop.offer()

    assert new.order.order_id != old.order.order_id
    assert (new.record.amount_fen, new.previous_price_fen) == (1990, PRICE)


def test_no_new_attempt_is_offered_without_time_to_pay(shop: Shop) -> None:
    old = shop.opened()
    shop.notified(old.record.pay_no, ClosedUnpaid())
    shop.clock.set(old.order.expires_at - timedelta(seconds=1))
    new = shop.offer()

    assert new.order.order_id != old.order.order_id
    assert new.order.expires_at - shop.clock.now() == timedelta(minutes=30)


def test_changed_days_replace_an_order_that_nobody_opened(shop: Shop) -> None:
    old = shop.offer()
    shop.goods.put(replace(COURSE, valid_days=30))
    new = shop.offer()

    assert new.order.order_id != old.order.order_id
    assert new.previous_price_fen is None
    (item,) = shop.store.items(new.order.order_id)
    assert item.valid_days == 30
