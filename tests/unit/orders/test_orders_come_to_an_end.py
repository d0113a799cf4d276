"""Every unpaid order ends, whatever became of the attempts that it offered."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.errors import ChannelUnavailable, PaymentInProgress
from chalicelib.orders.model import ClosingReason, OrderStatus, PayStatus
from chalicelib.orders.service import Offer
from chalicelib.orders.verdict import ClosedThere, NothingToClose, NotThereYet, StillOpen
from tests.unit.orders.shop import ALIPAY, CLAIM_FOR, PRICE, Shop, in_wechat


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


def _a_day_of_checks(shop: Shop) -> None:
    for _ in range(60):
        shop.clock.advance(minutes=30)
        shop.watch()


def _killed_at_its_claim(shop: Shop, answer: ClosedThere | NothingToClose) -> str:
    """A switch whose process died right after it claimed the order; the job ends it."""
    offer = shop.opened(ALIPAY)
    shop.withdrawal._claim(shop.order_of(offer), shop.record_of(offer), ClosingReason.SWITCHED)
    shop.clock.advance(seconds=CLAIM_FOR.total_seconds() + 1)
    shop.alipay.verdict, shop.alipay.close_answer = StillOpen(), answer
    shop.watch()
    return offer.order.order_id


@pytest.mark.parametrize("answer", [ClosedThere(), NothingToClose()])
def test_an_order_whose_switch_was_killed_expires(
    shop: Shop, answer: ClosedThere | NothingToClose
) -> None:
    order_id: Any = _killed_at_its_claim(shop, answer)
    shop.alipay.close_answer = ClosedThere()
    _a_day_of_checks(shop)
    assert shop.store.orders[order_id].status is OrderStatus.CLOSED


def test_an_order_expires_whose_payment_was_back_before_we_heard_of_it(shop: Shop) -> None:
    offer = shop.opened(ALIPAY)
    shop.notified(offer.record.pay_no, shop.paid(back=PRICE))
    assert shop.record_of(offer).status is PayStatus.REFUNDED
    _a_day_of_checks(shop)
    assert shop.order_of(offer).status is OrderStatus.CLOSED
    assert shop.store.outbox == {}
