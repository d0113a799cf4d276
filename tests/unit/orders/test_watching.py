"""The compensation job: what nobody told us is found, and nothing is closed without an answer."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chalicelib.deadline import Deadline
from chalicelib.errors import ChannelUnavailable, NotFound, OrderAlreadyPaid, PaymentInProgress
from chalicelib.orders.model import ClosingReason, OrderStatus, PayStatus, Phase
from chalicelib.orders.verdict import (
    ClosedThere,
    ClosedUnpaid,
    CloseRefused,
    NotThereYet,
    StillOpen,
    Unknown,
    Verdict,
)
from chalicelib.orders.watching import Watched
from tests.unit.orders.shop import ALIPAY, CLAIM_FOR, RECORD, Shop, in_wechat


@pytest.fixture
def shop() -> Shop:
    return Shop()


def _minutes_of_checks(shop: Shop, minutes: int) -> list[int]:
    """In which minutes the platform was asked, running the job once a minute."""
    asked_in = []
    for minute in range(1, minutes + 1):
        shop.clock.advance(minutes=1)
        before = len(shop.alipay.asked)
        shop.watch()
        if len(shop.alipay.asked) > before:
            asked_in.append(minute)
    return asked_in


def test_an_open_attempt_is_asked_about_each_minute_then_each_five(shop: Shop) -> None:
    shop.opened()
    shop.alipay.verdict = StillOpen()
    assert _minutes_of_checks(shop, 29) == [*range(1, 11), 15, 20, 25]


def test_after_its_end_it_is_asked_about_at_once_and_three_times_more(shop: Shop) -> None:
    offer = shop.opened()
    shop.alipay.verdict = NotThereYet()
    shop.clock.set(offer.order.expires_at)
    times = []
    for _ in range(20):
        shop.watch()
        due = shop.record_of(offer).next_check_at
        if due is None:
            break
        times.append(due - offer.order.expires_at)
        shop.clock.set(due)
    assert times == [timedelta(minutes=5), timedelta(hours=1), timedelta(hours=24)]
    assert shop.order_of(offer).status is OrderStatus.CLOSED


def test_a_payment_whose_notification_was_lost_is_found(shop: Shop) -> None:
    offer = shop.opened()
    shop.alipay.verdict = shop.paid()
    shop.clock.advance(minutes=1)
    assert shop.watch() == Watched(checked=1, undecided=0)

    assert shop.order_of(offer).status is OrderStatus.PAID
    assert shop.record_of(offer).next_check_at is None
    assert len(shop.store.outbox) == 1


def test_an_order_that_nobody_opened_expires_without_any_call(shop: Shop) -> None:
    offer = shop.offer()
    shop.clock.set(offer.order.expires_at)
    shop.watch()

    assert shop.order_of(offer).status is OrderStatus.CLOSED
    assert shop.order_of(offer).closing_because is ClosingReason.EXPIRED
    assert shop.record_of(offer).status is PayStatus.CLOSED
    assert shop.alipay.asked == shop.alipay.closed == []


@pytest.mark.parametrize("verdict", [StillOpen(), NotThereYet(), Unknown("WHATEVER")])
def test_no_question_closes_anything_before_the_end(shop: Shop, verdict: Verdict) -> None:
    offer = shop.opened()
    shop.alipay.verdict = verdict
    shop.clock.advance(minutes=20)
    shop.watch()

    assert shop.order_of(offer).status is OrderStatus.UNPAID
    assert shop.record_of(offer).status is PayStatus.UNPAID
    assert shop.alipay.closed == []


def test_an_expired_order_stays_open_while_the_platform_does_not_answer(shop: Shop) -> None:
    offer = shop.opened()
    shop.alipay.verdict = StillOpen()
    shop.alipay.close_answer = ChannelUnavailable()
    shop.clock.set(offer.order.expires_at)
    assert shop.watch() == Watched(checked=1, undecided=1)
    assert shop.order_of(offer).status is OrderStatus.UNPAID
    assert "ChecksUnanswered" in shop.reports

    shop.clock.advance(minutes=1)
    shop.alipay.close_answer = ClosedThere()
    shop.watch()
    assert shop.order_of(offer).status is OrderStatus.CLOSED
    assert shop.record_of(offer).next_check_at is None


def test_a_question_without_an_answer_is_asked_again_also_after_the_last_check(
    shop: Shop,
) -> None:
    offer = shop.opened()
    shop.alipay.verdict = NotThereYet()
    shop.clock.set(offer.order.expires_at)
    shop.watch()
    shop.alipay.verdict = ChannelUnavailable()
    shop.clock.advance(hours=30)
    shop.watch()

    assert shop.record_of(offer).next_check_at == shop.clock.now() + timedelta(minutes=1)


def test_a_late_payment_is_settled_in_time_and_reopens_the_order(shop: Shop) -> None:
    offer = shop.opened()
    shop.alipay.verdict = NotThereYet()
    shop.clock.set(offer.order.expires_at)
    shop.watch()
    shop.clock.advance(seconds=50)
    shop.alipay.verdict = shop.paid()
    shop.clock.advance(minutes=5)
    shop.watch()

    assert shop.order_of(offer).status is OrderStatus.PAID
    assert shop.order_of(offer).closing_because is None


def test_a_replaced_attempt_that_its_payer_opens_after_all_is_closed_there(shop: Shop) -> None:
    offer = shop.opened(ALIPAY)
    shop.open(offer.record.pay_no, in_wechat())
    shop.wechat.verdict = StillOpen()
    shop.alipay.verdict, shop.alipay.close_answer = StillOpen(), ClosedThere()
    shop.clock.advance(minutes=1)
    shop.watch()

    assert shop.alipay.closed == [offer.record.pay_no, offer.record.pay_no]
    assert shop.record_of(offer).still_payable_until is None
    assert shop.record_of(offer).next_check_at is None


def test_a_killed_start_is_ended_by_the_job(shop: Shop) -> None:
    offer = shop.offer()
    shop.wechat.prepay, shop.wechat.verdict = ChannelUnavailable(), NotThereYet()
    with pytest.raises(PaymentInProgress):
        shop.open(offer.record.pay_no, in_wechat())
    shop.clock.advance(minutes=1)
    shop.watch()

    assert (shop.order_of(offer).phase, shop.order_of(offer).claim_token) == (Phase.OPEN, None)


def test_a_killed_switch_is_ended_by_the_job(shop: Shop) -> None:
    offer = shop.opened(ALIPAY)
    shop.alipay.close_answer = ChannelUnavailable()
    with pytest.raises(PaymentInProgress):
        shop.open(offer.record.pay_no, in_wechat())
    shop.alipay.close_answer, shop.alipay.verdict = ClosedThere(), StillOpen()
    shop.clock.advance(minutes=1)
    shop.watch()

    assert shop.order_of(offer).status is OrderStatus.UNPAID
    assert shop.record_of(offer).status is PayStatus.CLOSED
    assert shop.offer().record.pay_no != offer.record.pay_no


def test_an_order_whose_attempt_was_decided_still_comes_to_its_end(shop: Shop) -> None:
    offer = shop.opened()
    shop.notified(offer.record.pay_no, shop.paid(fen=1))
    assert shop.order_of(offer).status is OrderStatus.UNPAID
    shop.clock.set(offer.order.expires_at)
    shop.watch()

    assert shop.order_of(offer).status is OrderStatus.CLOSED


def test_one_attempt_that_fails_unforeseen_stops_no_other(shop: Shop) -> None:
    bad = shop.opened()
    shop.alipay.at_call = lambda: 1 / 0  # type: ignore[assignment,return-value]
    shop.clock.advance(minutes=1)
    shop.watch()
    assert shop.unforeseen == [bad.record.pay_no]
    assert shop.record_of(bad).next_check_at == shop.clock.now() + timedelta(minutes=5)


def test_with_no_time_left_nothing_is_begun(shop: Shop) -> None:
    shop.opened()
    shop.clock.advance(minutes=1)
    assert shop.watching.run(Deadline.after(5)) == Watched(checked=0, undecided=0)
    assert shop.alipay.asked == []


def test_its_owner_cancels_an_order_and_orders_again_at_once(shop: Shop) -> None:
    offer = shop.opened()
    shop.alipay.close_answer = ClosedThere()
    assert shop.cancel(offer).status is OrderStatus.CLOSED
    assert shop.cancel(offer).closing_because is ClosingReason.CANCELLED, "idempotent"

    new = shop.offer()
    assert new.order.order_id != offer.order.order_id
    assert shop.store.guards[RECORD] == new.order.order_id


def test_nobody_else_cancels_an_order(shop: Shop) -> None:
    offer = shop.opened()
    with pytest.raises(NotFound):
        shop.cancel(offer, user_id="student-2")
    assert shop.order_of(offer).status is OrderStatus.UNPAID


def test_cancelling_what_is_paid_at_the_platform_settles_it(shop: Shop) -> None:
    offer = shop.opened()
    shop.alipay.close_answer, shop.alipay.verdict = CloseRefused("PAID"), shop.paid()
    with pytest.raises(OrderAlreadyPaid):
        shop.cancel(offer)
    assert shop.order_of(offer).status is OrderStatus.PAID


def test_a_cancelling_without_an_answer_is_ended_by_the_job(shop: Shop) -> None:
    offer = shop.opened()
    shop.alipay.close_answer = ChannelUnavailable()
    with pytest.raises(PaymentInProgress):
        shop.cancel(offer)
    shop.alipay.close_answer, shop.alipay.verdict = CloseRefused("CLOSED"), ClosedUnpaid()
    shop.clock.advance(minutes=1)
    shop.watch()

    assert shop.order_of(offer).status is OrderStatus.CLOSED
    assert shop.order_of(offer).closing_because is ClosingReason.CANCELLED


def test_an_overdue_call_is_ended_by_an_answer_about_its_own_attempt_alone(shop: Shop) -> None:
    offer = shop.opened(ALIPAY)
    shop.wechat.prepay, shop.wechat.verdict = ChannelUnavailable(), NotThereYet()
    with pytest.raises(PaymentInProgress):
        shop.open(offer.record.pay_no, in_wechat())
    live = shop.order_of(offer).live_pay_no
    shop.alipay.verdict = NotThereYet()
    shop.wechat.at_call = lambda: 1 / 0  # type: ignore[assignment,return-value]
    shop.clock.advance(minutes=1)
    shop.watch()  # the check of the attempt on offer fails, and is put off for five minutes

    shop.wechat.at_call = lambda: None
    asked = list(shop.wechat.asked)
    shop.clock.advance(minutes=1)
    assert shop.watch() == Watched(checked=1, undecided=0)
    assert shop.alipay.asked == [offer.record.pay_no] * 2, "the replaced attempt was due"
    assert shop.wechat.asked == asked
    assert shop.order_of(offer).phase is Phase.OPENING

    shop.clock.advance(minutes=4)
    shop.watch()
    assert shop.wechat.asked == [*asked, live]
    assert shop.order_of(offer).phase is Phase.OPEN


def test_a_withdrawal_is_due_when_its_claim_is_overdue_not_when_the_next_check_was(
    shop: Shop,
) -> None:
    offer = shop.opened()
    shop.alipay.verdict, shop.alipay.close_answer = StillOpen(), ChannelUnavailable()
    shop.clock.advance(minutes=20)
    shop.watch()
    assert shop.record_of(offer).next_check_at == shop.clock.now() + timedelta(minutes=5)

    with pytest.raises(PaymentInProgress):
        shop.cancel(offer)
    due = shop.clock.now() + CLAIM_FOR
    assert shop.record_of(offer).next_check_at == shop.order_of(offer).claim_deadline == due

    shop.clock.set(due)
    shop.alipay.close_answer = ClosedThere()
    shop.watch()
    assert shop.order_of(offer).status is OrderStatus.CLOSED
