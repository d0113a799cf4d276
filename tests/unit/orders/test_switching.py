"""Step 3 with a platform that must be called: claims, other channels, other payers (I3)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.errors import (
    ChannelRefused,
    ChannelUnavailable,
    OrderAlreadyPaid,
    OrderNotPayable,
    PaymentInProgress,
)
from chalicelib.orders.attempts import MOST_ATTEMPTS
from chalicelib.orders.model import ClosingReason, OrderStatus, PayStatus, Phase, SurplusReason
from chalicelib.orders.service import Offer
from chalicelib.orders.verdict import (
    ClosedThere,
    ClosedUnpaid,
    CloseRefused,
    NotThereYet,
    Settled,
    StillOpen,
    Surplus,
)
from tests.unit.orders.shop import ALIPAY, CLAIM_FOR, NATIVE, Shop, in_wechat


@pytest.fixture
def shop() -> Shop:
    return Shop()


def _attempts(shop: Shop, offer: Offer) -> list[PayStatus]:
    return [shop.store.records[number].status for number in shop.order_of(offer).pay_nos]


def test_the_request_is_stored_and_claimed_before_the_platform_hears_of_it(shop: Shop) -> None:
    offer = shop.offer()
    seen: list[tuple[Phase, str | None]] = []
    shop.wechat.at_call = lambda: seen.append(
        (shop.order_of(offer).phase, shop.record_of(offer).request)
    )
    shop.open(offer.record.pay_no, in_wechat())

    assert seen == [(Phase.OPENING, shop.record_of(offer).request)]
    assert shop.record_of(offer).prepay == "wx-prepay"
    assert shop.order_of(offer).phase is Phase.OPEN
    assert shop.order_of(offer).claim_token is None


def test_the_same_payer_gets_the_same_attempt_without_another_call(shop: Shop) -> None:
    offer = shop.offer()
    first = shop.open(offer.record.pay_no, in_wechat())
    assert shop.open(offer.record.pay_no, in_wechat()) == first
    assert len(shop.wechat.started) == 1


def test_a_start_without_an_answer_keeps_the_claim(shop: Shop) -> None:
    offer = shop.offer()
    shop.wechat.prepay = ChannelUnavailable()
    for _ in range(2):
        with pytest.raises(PaymentInProgress):
            shop.open(offer.record.pay_no, in_wechat())
    assert len(shop.wechat.started) == 1, "the second click does not call"


@pytest.mark.parametrize("verdict", [StillOpen(), NotThereYet()])
def test_an_overdue_start_is_resolved_by_asking_then_by_the_identical_request(
    shop: Shop, verdict: StillOpen | NotThereYet
) -> None:
    offer = shop.offer()
    shop.wechat.prepay = ChannelUnavailable()
    with pytest.raises(PaymentInProgress):
        shop.open(offer.record.pay_no, in_wechat())
    shop.clock.advance(seconds=30)
    shop.wechat.prepay, shop.wechat.verdict = "wx-again", verdict
    shop.open(offer.record.pay_no, in_wechat())

    assert shop.wechat.asked == [offer.record.pay_no]
    (first, second) = shop.wechat.started
    assert first == second
    assert shop.record_of(offer).prepay == "wx-again"


def test_an_overdue_start_that_was_paid_is_settled(shop: Shop) -> None:
    offer = shop.offer()
    shop.wechat.prepay = ChannelUnavailable()
    with pytest.raises(PaymentInProgress):
        shop.open(offer.record.pay_no, in_wechat())
    shop.clock.advance(seconds=30)
    shop.wechat.verdict = shop.paid()

    with pytest.raises(OrderAlreadyPaid):
        shop.open(offer.record.pay_no, in_wechat())
    assert shop.order_of(offer).status is OrderStatus.PAID


def test_a_refused_start_is_told_and_may_be_tried_again(shop: Shop) -> None:
    offer = shop.offer()
    shop.wechat.prepay, shop.wechat.verdict = ChannelRefused(detail="NO_AUTH"), NotThereYet()
    with pytest.raises(ChannelRefused):
        shop.open(offer.record.pay_no, in_wechat())
    for _ in range(20):
        with pytest.raises(PaymentInProgress):
            shop.open(offer.record.pay_no, in_wechat())
    assert len(shop.wechat.started) == len(shop.wechat.asked) == 1, "clicks do not call"
    shop.clock.advance(seconds=5)
    shop.wechat.prepay = "wx-prepay"
    shop.open(offer.record.pay_no, in_wechat())
    assert shop.record_of(offer).prepay == "wx-prepay"


def test_a_start_refused_because_the_number_is_closed_takes_a_new_number(shop: Shop) -> None:
    offer = shop.offer()
    shop.wechat.prepay, shop.wechat.verdict = ChannelRefused(detail="CLOSED"), ClosedUnpaid()

    def the_platform_recovers() -> None:
        if shop.wechat.asked:
            shop.wechat.prepay = "wx-prepay"

    shop.wechat.at_call = the_platform_recovers
    shop.open(offer.record.pay_no, in_wechat())
    assert _attempts(shop, offer) == [PayStatus.CLOSED, PayStatus.UNPAID]


@pytest.mark.parametrize("payer", [NATIVE, in_wechat("another"), ALIPAY])
def test_i3_anybody_else_closes_the_attempt_and_gets_one_of_their_own(
    shop: Shop, payer: object
) -> None:
    offer = shop.opened(in_wechat())
    shop.wechat.close_answer = ClosedThere()
    shop.open(offer.record.pay_no, payer)  # type: ignore[arg-type]

    assert shop.wechat.closed == [offer.record.pay_no]
    assert _attempts(shop, offer) == [PayStatus.CLOSED, PayStatus.UNPAID]
    assert shop.record_of(offer).still_payable_until is None
    assert shop.store.records[shop.order_of(offer).live_pay_no].opened_at is not None


def test_back_to_the_first_channel_is_a_third_attempt(shop: Shop) -> None:
    offer = shop.opened(ALIPAY)
    shop.wechat.close_answer = ClosedThere()
    shop.open(offer.record.pay_no, in_wechat())
    shop.open(offer.record.pay_no, ALIPAY)

    assert _attempts(shop, offer) == [PayStatus.CLOSED, PayStatus.CLOSED, PayStatus.UNPAID]
    assert shop.record_of(offer).still_payable_until is not None, "Alipay knew no such trade"


def test_a_switch_whose_close_says_paid_settles_instead(shop: Shop) -> None:
    offer = shop.opened(ALIPAY)
    shop.alipay.close_answer, shop.alipay.verdict = CloseRefused("TRADE_SUCCESS"), shop.paid()

    with pytest.raises(OrderAlreadyPaid):
        shop.open(offer.record.pay_no, in_wechat())
    assert shop.order_of(offer).paid_by_pay_no == offer.record.pay_no
    assert len(shop.store.records) == 1


def test_a_switch_without_an_answer_waits_and_goes_on_later(shop: Shop) -> None:
    offer = shop.opened(ALIPAY)
    shop.alipay.close_answer = ChannelUnavailable()
    with pytest.raises(PaymentInProgress):
        shop.open(offer.record.pay_no, in_wechat())
    assert shop.order_of(offer).closing_because is ClosingReason.SWITCHED

    shop.clock.advance(seconds=30)
    shop.alipay.close_answer, shop.alipay.verdict = ClosedThere(), StillOpen()
    shop.open(offer.record.pay_no, in_wechat())
    assert _attempts(shop, offer) == [PayStatus.CLOSED, PayStatus.UNPAID]


def test_a_payment_of_the_replaced_attempt_pays_the_order_and_the_next_one_is_surplus(
    shop: Shop,
) -> None:
    first = shop.opened(ALIPAY)
    shop.open(first.record.pay_no, in_wechat())
    second = shop.order_of(first).live_pay_no

    assert shop.notified(first.record.pay_no, shop.paid(trade_no="A")) == Settled()
    assert shop.store.records[second].status is PayStatus.CLOSED
    late = shop.notified(second, shop.paid(trade_no="W"), "n2")
    assert late == Surplus(SurplusReason.SECOND_PAYMENT)


def test_who_took_over_an_overdue_claim_keeps_the_late_answer_from_everybody(shop: Shop) -> None:
    offer = shop.offer()
    shop.wechat.close_answer, shop.wechat.verdict = ClosedThere(), StillOpen()

    def the_answer_takes_too_long() -> None:
        shop.wechat.at_call = lambda: None
        shop.clock.advance(seconds=CLAIM_FOR.total_seconds())
        shop.open(offer.record.pay_no, ALIPAY)

    shop.wechat.at_call = the_answer_takes_too_long
    shop.open(offer.record.pay_no, in_wechat())

    assert shop.record_of(offer).prepay is None, "nobody got what came too late"
    assert _attempts(shop, offer)[0] is PayStatus.CLOSED
    assert sum(s is PayStatus.UNPAID for s in _attempts(shop, offer)) == 1


def test_attempts_without_end_are_refused(shop: Shop) -> None:
    offer = shop.opened(ALIPAY)
    shop.wechat.close_answer = shop.alipay.close_answer = ClosedThere()
    for _ in range(MOST_ATTEMPTS - 1):
        last = shop.store.records[shop.order_of(offer).live_pay_no].channel
        shop.open(offer.record.pay_no, ALIPAY if last != ALIPAY.channel else in_wechat())
    with pytest.raises(OrderNotPayable):
        shop.open(offer.record.pay_no, NATIVE)
    assert len(shop.order_of(offer).pay_nos) == MOST_ATTEMPTS


def test_payment_codes_without_end_are_refused(shop: Shop) -> None:
    offer = shop.opened()
    for _ in range(MOST_ATTEMPTS - 1):
        shop.notified(shop.order_of(offer).live_pay_no, ClosedUnpaid())
        assert shop.offer().order.order_id == offer.order.order_id
        shop.open(shop.order_of(offer).live_pay_no)
    shop.notified(shop.order_of(offer).live_pay_no, ClosedUnpaid())
    with pytest.raises(OrderNotPayable):
        shop.offer()
    assert len(shop.order_of(offer).pay_nos) == len(shop.store.records) == MOST_ATTEMPTS


def test_an_attempt_is_watched_from_its_opening(shop: Shop) -> None:
    offer = shop.opened(in_wechat())
    assert shop.record_of(offer).next_check_at == shop.clock.now() + timedelta(minutes=1)
    assert replace(shop.record_of(offer)).openid == "o1"
