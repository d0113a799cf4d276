from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from infra.local.alipay import platform as alipay_platform
from infra.local.alipay.notify import REAL_DELAYS_SECONDS
from infra.local.alipay.notify_by_hand import Letter
from infra.local.alipay.signature import Keys, is_signed, text_of_notify
from tests.integration.simulators.alipay_by_hand import NOTIFY_URL, AlipayByHand
from tests.integration.simulators.merchant import APP_ID, SELLER_ID


def told(letters: list[Letter]) -> list[str]:
    """What the letters are about, in their order."""
    return [letter.fields.get("out_biz_no", letter.fields["trade_status"]) for letter in letters]


def refund(alipay: AlipayByHand, number: str, out_trade_no: str = "1001") -> None:
    content = {"out_trade_no": out_trade_no, "refund_amount": "1.00", "out_request_no": number}
    assert alipay.ask("alipay.trade.refund", **content)["fund_change"] == "Y"


def test_a_letter_is_a_signed_form_for_the_notify_url(by_hand: AlipayByHand, keys: Keys) -> None:
    by_hand.pay()
    (letter,) = by_hand.platform.due_notifications()
    assert (letter.url, letter.out_trade_no) == (NOTIFY_URL, "1001")
    assert letter.fields["trade_status"] == "TRADE_SUCCESS"
    assert letter.fields["gmt_payment"] == "2026-03-01 12:00:00"
    text = text_of_notify(letter.fields)
    assert is_signed(text, letter.fields["sign"], keys.platform.public_key())


def test_each_attempt_is_handed_out_once(by_hand: AlipayByHand) -> None:
    by_hand.pay()
    assert len(by_hand.platform.due_notifications()) == 1
    assert by_hand.platform.due_notifications() == []


def test_an_accepted_letter_is_not_repeated(by_hand: AlipayByHand) -> None:
    by_hand.pay()
    (letter,) = by_hand.platform.due_notifications()
    letter.answered(200, "success")
    assert by_hand.platform.next_notification_at() is None


@pytest.mark.parametrize("answer", [(200, "fail"), (500, "success"), (None, "no answer"), None])
def test_a_letter_that_is_refused_or_lost_comes_by_the_real_schedule(
    by_hand: AlipayByHand, answer: tuple[int | None, str] | None
) -> None:
    by_hand.pay()
    notify_ids, waits = set(), []
    for _ in range(8):
        (letter,) = by_hand.platform.due_notifications()
        notify_ids.add(letter.fields["notify_id"])
        if answer is not None:
            letter.answered(*answer)
        then, due_at = by_hand.clock.now(), by_hand.platform.next_notification_at()
        if due_at is not None:
            waits.append((due_at - then).total_seconds())
            by_hand.clock.set(due_at - timedelta(seconds=1))
            assert by_hand.platform.due_notifications() == []
            by_hand.clock.set(due_at)
    assert tuple(waits) == REAL_DELAYS_SECONDS
    assert len(notify_ids) == 1
    assert by_hand.platform.next_notification_at() is None


def test_the_schedule_can_be_scaled(keys: Keys, merchant_key: RSAPrivateKey) -> None:
    alipay = AlipayByHand(keys, merchant_key, notify_scale=0.25)
    alipay.pay()
    alipay.platform.due_notifications()
    assert alipay.platform.next_notification_at() == alipay.clock.now() + timedelta(minutes=1)


def test_letters_come_in_the_order_in_which_they_are_due(by_hand: AlipayByHand) -> None:
    by_hand.pay()
    by_hand.clock.advance(seconds=1)
    refund(by_hand, "r1")
    assert told(by_hand.platform.due_notifications()) == ["TRADE_SUCCESS", "r1"]


def test_an_unpaid_trade_that_expires_is_notified_when_somebody_looks(
    by_hand: AlipayByHand,
) -> None:
    by_hand.log_in()
    by_hand.clock.advance(minutes=32)
    assert told(by_hand.platform.due_notifications()) == ["TRADE_CLOSED"]


def test_a_late_letter_is_due_later(by_hand: AlipayByHand) -> None:
    by_hand.fault(on="notify", do="delay", seconds=5, times=2)
    by_hand.pay()
    assert by_hand.platform.due_notifications() == []
    assert by_hand.platform.next_notification_at() == by_hand.clock.advance(seconds=5)
    assert told(by_hand.platform.due_notifications()) == ["TRADE_SUCCESS"]
    by_hand.clock.advance(minutes=4)
    assert by_hand.platform.due_notifications() == []
    assert by_hand.platform.next_notification_at() == by_hand.clock.advance(seconds=5)


def test_a_reordered_letter_goes_after_the_next_of_its_trade(by_hand: AlipayByHand) -> None:
    by_hand.fault(on="notify", do="reorder")
    by_hand.pay()
    by_hand.pay("1002")
    assert [letter.out_trade_no for letter in by_hand.platform.due_notifications()] == ["1002"]
    refund(by_hand, "r1")
    assert told(by_hand.platform.due_notifications()) == ["r1", "TRADE_SUCCESS"]


def test_a_dropped_letter_is_not_handed_out_and_comes_again(by_hand: AlipayByHand) -> None:
    by_hand.fault(on="notify", do="drop", times=2)
    by_hand.pay()
    for minutes in (4, 10):
        assert by_hand.platform.due_notifications() == []
        by_hand.clock.advance(minutes=minutes)
    assert told(by_hand.platform.due_notifications()) == ["TRADE_SUCCESS"]


def test_a_duplicated_letter_comes_in_copies(by_hand: AlipayByHand) -> None:
    by_hand.fault(on="notify", do="duplicate", copies=2)
    by_hand.pay()
    first, second, third = by_hand.platform.due_notifications()
    assert first.fields == second.fields == third.fields
    second.answered(200, "success")
    assert by_hand.platform.next_notification_at() is None


def test_a_spoiled_letter_does_not_verify(by_hand: AlipayByHand, keys: Keys) -> None:
    by_hand.fault(on="notify", do="corrupt_signature", out_trade_no="1001")
    by_hand.fault(on="notify", do="tamper", fields={"total_amount": "0.01"}, out_trade_no="1002")
    by_hand.fault(on="notify", do="change", fields={"total_amount": "0.01"}, out_trade_no="1003")
    good = []
    for number in ("1001", "1002", "1003"):
        by_hand.pay(number)
        (letter,) = by_hand.platform.due_notifications()
        text = text_of_notify(letter.fields)
        good.append(is_signed(text, letter.fields["sign"], keys.platform.public_key()))
    assert good == [False, False, True]
    assert letter.fields["total_amount"] == "0.01"


def test_a_slow_answer_does_not_wait(by_hand: AlipayByHand) -> None:
    by_hand.fault(on="alipay.trade.query", do="slow", seconds=3600)
    by_hand.fault(on="alipay.trade.query", do="delay", seconds=3600)
    by_hand.pay()
    assert [by_hand.status(), by_hand.status()] == ["TRADE_SUCCESS", "TRADE_SUCCESS"]


def test_deliveries_are_told_by_control(by_hand: AlipayByHand) -> None:
    by_hand.pay()
    (letter,) = by_hand.platform.due_notifications()
    letter.answered(503, "busy")
    trade = by_hand.client.get("/_control/trades/1001").json
    assert trade is not None
    (delivery,) = trade["notifications"][0]["deliveries"]
    assert (delivery["status"], delivery["answer"]) == (503, "busy")


def test_a_platform_that_delivers_by_itself_hands_nothing_out(keys: Keys) -> None:
    platform = alipay_platform.Platform(alipay_platform.Merchant(APP_ID, SELLER_ID), keys)
    with pytest.raises(TypeError):
        platform.due_notifications()
    platform.stop()
