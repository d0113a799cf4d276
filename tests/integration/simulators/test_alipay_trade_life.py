"""A trade from the form to its end, on a clock that moves when it is told to."""

from __future__ import annotations

import pytest

from tests.integration.simulators.alipay_by_hand import AlipayByHand


def test_a_trade_that_nobody_logged_in_to_cannot_be_closed_and_stays_payable(
    by_hand: AlipayByHand,
) -> None:
    by_hand.open()
    answer = by_hand.ask("alipay.trade.close", out_trade_no="1001")
    assert answer["sub_code"] == "ACQ.TRADE_NOT_EXIST"
    by_hand.clock.advance(minutes=29)
    assert by_hand.control("1001", "pay").status_code == 200
    assert by_hand.status() == "TRADE_SUCCESS"


def test_nobody_logs_in_after_time_expire(by_hand: AlipayByHand) -> None:
    by_hand.open()
    by_hand.clock.advance(minutes=30)
    assert "ACQ.TRADE_HAS_CLOSE" in by_hand.control("1001", "pay").text
    assert by_hand.status() == "ACQ.TRADE_NOT_EXIST"


@pytest.mark.parametrize("seconds", [0, 59])
def test_a_payer_who_is_in_pays_up_to_a_minute_late(by_hand: AlipayByHand, seconds: int) -> None:
    by_hand.log_in()
    by_hand.clock.advance(minutes=30, seconds=seconds)
    assert by_hand.status() == "WAIT_BUYER_PAY"
    assert by_hand.control("1001", "pay").status_code == 200
    assert by_hand.status() == "TRADE_SUCCESS"


def test_a_minute_after_time_expire_the_trade_is_closed(by_hand: AlipayByHand) -> None:
    by_hand.log_in()
    by_hand.clock.advance(minutes=31)
    assert by_hand.status() == "TRADE_CLOSED"
    assert "ACQ.TRADE_HAS_CLOSE" in by_hand.control("1001", "pay").text


def test_a_form_is_not_opened_anew_in_the_late_minute(by_hand: AlipayByHand) -> None:
    time_expire = by_hand.in_minutes(30)
    by_hand.log_in(time_expire=time_expire)
    by_hand.clock.advance(minutes=30, seconds=1)
    assert "ACQ.INVALID_PARAMETER" in by_hand.open(time_expire=time_expire).text


def test_a_late_minute_does_not_keep_the_merchant_from_closing(by_hand: AlipayByHand) -> None:
    by_hand.log_in()
    by_hand.clock.advance(minutes=30, seconds=30)
    assert by_hand.ask("alipay.trade.close", out_trade_no="1001")["code"] == "10000"
    assert by_hand.control("1001", "pay").status_code == 409


def test_without_time_expire_a_trade_lives_15_days(by_hand: AlipayByHand) -> None:
    by_hand.log_in(time_expire=None)
    by_hand.clock.advance(days=15)
    assert by_hand.status() == "WAIT_BUYER_PAY"
    by_hand.clock.advance(minutes=1)
    assert by_hand.status() == "TRADE_CLOSED"


@pytest.mark.parametrize(
    ("deed", "sub_code"),
    [
        ("pay", "ACQ.TRADE_HAS_SUCCESS"),
        ("finish", "ACQ.TRADE_HAS_SUCCESS"),
        ("close", "ACQ.TRADE_HAS_CLOSE"),
        ("refund", "ACQ.TRADE_HAS_CLOSE"),
    ],
)
def test_a_number_is_used_up_by_its_trade(by_hand: AlipayByHand, deed: str, sub_code: str) -> None:
    by_hand.log_in()
    if deed == "close":
        by_hand.ask("alipay.trade.close", out_trade_no="1001")
    else:
        by_hand.control("1001", "pay")
    if deed == "finish":
        by_hand.control("1001", "finish")
    if deed == "refund":
        by_hand.control("1001", "refund", amount="9.90")
    assert sub_code in by_hand.open().text


@pytest.mark.parametrize("deed", ["pay", "refund", "finish"])
def test_what_was_paid_once_cannot_be_closed(by_hand: AlipayByHand, deed: str) -> None:
    by_hand.pay()
    if deed != "pay":
        assert by_hand.control("1001", deed, amount="9.90").status_code == 200
    answer = by_hand.ask("alipay.trade.close", out_trade_no="1001")
    assert answer["sub_code"] == "ACQ.TRADE_STATUS_ERROR"


@pytest.mark.parametrize(
    "change",
    [{"body": "x"}, {"passback_params": "x"}, {"quit_url": "https://shop.test/quit"}],
)
def test_each_parameter_belongs_to_the_number(
    by_hand: AlipayByHand, change: dict[str, str]
) -> None:
    time_expire = by_hand.in_minutes(30)
    by_hand.log_in(time_expire=time_expire)
    page = by_hand.open(time_expire=time_expire)
    assert page.status_code == 303
    assert "ACQ.CONTEXT_INCONSISTENT" in by_hand.open(time_expire=time_expire, **change).text


def test_a_refund_is_stamped_by_the_clock(by_hand: AlipayByHand) -> None:
    by_hand.pay()
    by_hand.clock.advance(days=1, seconds=1)
    by_hand.ask("alipay.trade.refund", out_trade_no="1001", refund_amount="9.90")
    letter = by_hand.platform.due_notifications()[-1]
    assert letter.fields["gmt_payment"] == "2026-03-01 12:00:00"
    assert letter.fields["gmt_refund"] == "2026-03-02 12:00:01.000"
    assert letter.fields["gmt_close"] == "2026-03-02 12:00:01"
