"""What the state machine of tests/integration/orders has found, each as its shortest story."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pytest

from chalicelib.errors import ChannelUnavailable, PaymentInProgress
from chalicelib.orders.model import OrderStatus
from chalicelib.orders.service import Offer
from chalicelib.orders.verdict import ClosedThere, NothingToClose, NotThereYet, StillOpen
from tests.unit.orders.shop import ALIPAY, Shop, in_wechat


@pytest.fixture
def shop() -> Shop:
    return Shop()


def _half_switched(shop: Shop) -> Offer:
    """Opened in WeChat; the switch to Alipay dies between its claim and the answer."""
    offer = shop.opened(in_wechat())
    shop.wechat.close_answer = ChannelUnavailable()
    with suppress(PaymentInProgress):
        shop.open(offer.record.pay_no, ALIPAY)
    shop.wechat.verdict = StillOpen()
    shop.clock.advance(minutes=1)
    return offer


def test_an_order_whose_switch_the_job_has_ended_still_expires(shop: Shop) -> None:
    offer = _half_switched(shop)
    shop.wechat.close_answer = ClosedThere()
    shop.watch()
    assert shop.record_of(offer).next_check_at == offer.order.expires_at

    shop.clock.set(offer.order.expires_at)
    shop.watch()
    assert shop.order_of(offer).status is OrderStatus.CLOSED


def test_an_order_whose_withdrawn_attempt_could_be_closed_at_last_still_expires(
    shop: Shop,
) -> None:
    offer = _half_switched(shop)
    shop.wechat.close_answer, shop.wechat.verdict = NothingToClose(), NotThereYet()
    shop.watch()  # withdrawn and watched: its payer may still come

    shop.wechat.close_answer, shop.wechat.verdict = ClosedThere(), StillOpen()
    shop.clock.advance(minutes=2)
    shop.watch()  # the payer came, and now it could be closed
    assert shop.record_of(offer).still_payable_until is None

    shop.clock.set(offer.order.expires_at + timedelta(minutes=2))
    shop.watch()
    assert shop.order_of(offer).status is OrderStatus.CLOSED
