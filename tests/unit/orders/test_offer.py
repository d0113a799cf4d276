"""Step 2: one order per choose-course record, at the catalogue's price."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.errors import (
    ChannelUnavailable,
    GoodsBeingOpened,
    NotForSale,
    NotFound,
    OrderAlreadyPaid,
    PaymentInProgress,
)
from chalicelib.money import Fen
from chalicelib.orders.model import ClosingReason, OrderStatus, PayStatus, SurplusReason
from chalicelib.orders.verdict import (
    ClosedThere,
    ClosedUnpaid,
    CloseRefused,
    NothingToClose,
    NotThereYet,
    Paid,
    StillOpen,
    Unknown,
    Verdict,
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


@pytest.mark.parametrize("status", [SaleStatus.NOT_FOR_SALE, SaleStatus.TAKEN_BACK])
def test_what_the_seller_does_not_offer_cannot_be_ordered(shop: Shop, status: SaleStatus) -> None:
    shop.goods.put(replace(COURSE, status=status))
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

    with pytest.raises(GoodsBeingOpened):
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


def test_with_under_ninety_seconds_left_an_opened_order_is_closed_and_a_new_one_offered(
    shop: Shop,
) -> None:
    old = shop.opened()
    shop.alipay.close_answer = ClosedThere()
    shop.clock.advance(minutes=28, seconds=29)
    assert shop.offer().record.pay_no == old.record.pay_no
    shop.clock.advance(seconds=1)
    new = shop.offer()

    assert new.order.order_id != old.order.order_id
    assert shop.alipay.closed == [old.record.pay_no]
    assert new.order.expires_at - shop.clock.now() == timedelta(minutes=30)


@pytest.mark.parametrize("answer", [NothingToClose(), ClosedThere()])
def test_an_expired_opened_order_is_replaced_once_the_platform_has_closed_it(
    shop: Shop, answer: NothingToClose | ClosedThere
) -> None:
    old = shop.opened()
    shop.clock.advance(minutes=30)
    shop.alipay.close_answer = answer
    new = shop.offer()

    assert new.order.order_id != old.order.order_id
    assert shop.alipay.closed == [old.record.pay_no]
    assert shop.record_of(old).status is PayStatus.CLOSED
    assert shop.order_of(old).closing_because is ClosingReason.EXPIRED


def test_i3_an_attempt_that_the_platform_cannot_close_stays_watched(shop: Shop) -> None:
    old = shop.opened()
    shop.clock.advance(minutes=30)
    shop.offer()

    assert shop.record_of(old).still_payable_until == old.order.expires_at + timedelta(minutes=5)
    assert shop.record_of(old).next_check_at is not None


def test_i3_an_attempt_that_the_platform_has_closed_is_never_looked_at_again(shop: Shop) -> None:
    old = shop.opened()
    shop.clock.advance(minutes=30)
    shop.alipay.close_answer = ClosedThere()
    shop.offer()

    assert shop.record_of(old).still_payable_until is None
    assert shop.record_of(old).next_check_at is None


@pytest.mark.parametrize("verdict", [StillOpen(), NotThereYet(), Unknown("TRADE_WHATEVER")])
def test_a_close_that_is_refused_for_no_known_reason_closes_nothing(
    shop: Shop, verdict: Verdict
) -> None:
    old = shop.opened()
    shop.clock.advance(minutes=30)
    shop.alipay.close_answer, shop.alipay.verdict = CloseRefused("TRADE_STATUS_ERROR"), verdict

    with pytest.raises(PaymentInProgress) as refused:
        shop.offer()
    assert refused.value.retry_after_seconds
    assert shop.order_of(old).status is OrderStatus.UNPAID
    assert shop.record_of(old).status is PayStatus.UNPAID


def test_a_platform_that_does_not_answer_leaves_the_order_closing(shop: Shop) -> None:
    old = shop.opened()
    shop.clock.advance(minutes=30)
    shop.alipay.close_answer = ChannelUnavailable()

    with pytest.raises(PaymentInProgress):
        shop.offer()
    with pytest.raises(PaymentInProgress) as meanwhile:
        shop.offer()
    assert meanwhile.value.retry_after_seconds == 30, "until the claim is overdue"
    assert len(shop.alipay.closed) == 1, "nobody else calls while the claim stands"

    shop.clock.advance(seconds=30)
    shop.alipay.close_answer = ClosedThere()
    assert shop.offer().order.order_id != old.order.order_id


def test_an_expired_order_that_turns_out_paid_is_settled_instead(shop: Shop) -> None:
    old = shop.opened()
    paid: Paid = shop.paid()
    shop.clock.advance(minutes=30)
    shop.alipay.close_answer, shop.alipay.verdict = CloseRefused("TRADE_HAS_SUCCESS"), paid

    with pytest.raises(GoodsBeingOpened):
        shop.offer()
    assert shop.order_of(old).status is OrderStatus.PAID


def test_an_attempt_that_the_platform_closed_before_us_frees_the_order(shop: Shop) -> None:
    old = shop.opened()
    shop.clock.advance(minutes=30)
    shop.alipay.close_answer = CloseRefused("TRADE_HAS_CLOSE")
    shop.alipay.verdict = ClosedUnpaid()
    new = shop.offer()

    assert new.order.order_id != old.order.order_id
    assert shop.record_of(old).status is PayStatus.CLOSED


def test_a_refunded_order_has_no_successor_before_the_course_is_chosen_again(shop: Shop) -> None:
    old = shop.opened()
    shop.notified(old.record.pay_no, shop.paid())
    shop.notified(old.record.pay_no, shop.paid(back=PRICE), "n2")

    assert shop.order_of(old).status is OrderStatus.REFUNDED
    with pytest.raises(NotForSale):
        shop.offer()


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
