"""Step 3: showing a link changes nothing; opening it fixes the attempt once."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import pytest

from chalicelib.errors import NotForSale, NotFound, OrderAlreadyPaid, OrderNotPayable
from chalicelib.orders.model import PayNo, Phase, TradeType
from chalicelib.orders.verdict import ClosedUnpaid
from chalicelib.purchasables import SaleStatus
from tests.unit.orders.shop import COURSE, Shop


@pytest.fixture
def shop() -> Shop:
    return Shop()


def test_showing_a_link_changes_nothing(shop: Shop) -> None:
    offer = shop.offer()
    before = deepcopy((shop.store.orders, shop.store.records))
    counter = shop.cashier.show(offer.record.pay_no)

    assert counter.payable(shop.clock.now())
    assert (shop.store.orders, shop.store.records) == before
    assert shop.alipay.frozen == []


def test_the_first_opening_freezes_the_request(shop: Shop) -> None:
    offer = shop.opened()
    record = shop.record_of(offer)

    assert record.trade_type is TradeType.ALI_WAP
    assert (record.app_id, record.merchant_id) == ("app", "seller")
    assert record.opened_at == shop.clock.now()
    assert shop.order_of(offer).phase is Phase.OPEN


def test_every_later_opening_presents_the_identical_request(shop: Shop) -> None:
    offer = shop.offer()
    first = shop.open(offer.record.pay_no)
    shop.clock.advance(minutes=5)
    again = shop.open(offer.record.pay_no)

    assert again == first
    assert shop.alipay.frozen == [offer.record.pay_no]


def test_two_phones_that_open_at_once_get_the_same_request(shop: Shop) -> None:
    offer = shop.offer()
    other = []

    def the_other_phone() -> None:
        shop.store.before_commit = lambda: None
        shop.clock.advance(seconds=1)
        other.append(shop.open(offer.record.pay_no))

    shop.store.before_commit = the_other_phone
    assert [shop.open(offer.record.pay_no)] == other


def test_an_old_link_opens_the_live_attempt_of_its_order(shop: Shop) -> None:
    old = shop.opened()
    shop.notified(old.record.pay_no, shop.paid(fen=1))
    new = shop.offer()

    shop.open(old.record.pay_no)
    assert shop.alipay.frozen[-1] == new.record.pay_no


def test_a_paid_order_cannot_be_opened(shop: Shop) -> None:
    offer = shop.opened()
    shop.notified(offer.record.pay_no, shop.paid())
    with pytest.raises(OrderAlreadyPaid):
        shop.open(offer.record.pay_no)


def test_an_expired_order_cannot_be_opened_even_if_it_was_before(shop: Shop) -> None:
    offer = shop.opened()
    shop.clock.advance(minutes=30)
    with pytest.raises(OrderNotPayable):
        shop.open(offer.record.pay_no)


@pytest.mark.parametrize("status", [SaleStatus.NOT_FOR_SALE, SaleStatus.TAKEN_BACK])
def test_what_is_not_sold_any_more_opens_no_new_attempt(shop: Shop, status: SaleStatus) -> None:
    offer = shop.offer()
    shop.goods.put(replace(COURSE, status=status))
    with pytest.raises(NotForSale):
        shop.open(offer.record.pay_no)
    assert shop.record_of(offer).channel is None


def test_an_unknown_pay_number_is_not_found(shop: Shop) -> None:
    with pytest.raises(NotFound):
        shop.open(PayNo("1"))


def test_a_closed_attempt_is_not_presented_again(shop: Shop) -> None:
    offer = shop.opened()
    shop.notified(offer.record.pay_no, ClosedUnpaid())
    shop.open(offer.record.pay_no)

    assert len(shop.alipay.frozen) == 2
    assert shop.alipay.frozen[1] == shop.order_of(offer).live_pay_no != offer.record.pay_no


def test_an_attempt_that_took_a_wrong_amount_is_not_presented_again(shop: Shop) -> None:
    offer = shop.opened()
    shop.notified(offer.record.pay_no, shop.paid(fen=1))
    shop.open(offer.record.pay_no)

    assert shop.alipay.frozen[-1] != offer.record.pay_no
    assert shop.order_of(offer).pay_nos == tuple(shop.alipay.frozen)


def test_with_under_ninety_seconds_left_nothing_new_is_opened(shop: Shop) -> None:
    offer = shop.offer()
    shop.clock.advance(minutes=28, seconds=30)
    with pytest.raises(OrderNotPayable):
        shop.open(offer.record.pay_no)


def test_who_has_it_open_may_go_on_to_its_end(shop: Shop) -> None:
    offer = shop.opened()
    first = shop.open(offer.record.pay_no)
    shop.clock.advance(minutes=29, seconds=59)
    assert shop.open(offer.record.pay_no) == first


def test_goods_that_were_granted_meanwhile_are_not_paid_again(shop: Shop) -> None:
    offer = shop.offer()
    shop.goods.put(replace(COURSE, status=SaleStatus.GRANTED))
    with pytest.raises(OrderAlreadyPaid):
        shop.open(offer.record.pay_no)
