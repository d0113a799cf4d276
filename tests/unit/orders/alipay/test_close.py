"""Closing at Alipay: closed, nothing there, refused because of the trade, or unknown."""

from __future__ import annotations

import pytest

from chalicelib.errors import ChannelUnavailable
from chalicelib.orders.alipay.channel import AlipayChannel
from chalicelib.orders.verdict import ClosedThere, CloseRefused, NothingToClose
from tests.builders import APP_ID, PAY_NO, AlipayPeer, a_pay_record
from tests.unit.orders.alipay.answers import closed, refusal, soon
from tests.unit.orders.alipay.gateway import Gateway

RECORD = a_pay_record(app_id=APP_ID)
METHOD = "alipay_trade_close"


def test_a_trade_is_closed(asking: AlipayChannel, gateway: Gateway, peer: AlipayPeer) -> None:
    gateway.says(closed(peer))

    assert asking.close(RECORD, soon()) == ClosedThere()

    (request,) = gateway.requests
    assert peer.merchant_signed(request)
    assert request["method"] == "alipay.trade.close"
    assert gateway.content() == {"out_trade_no": PAY_NO}


def test_a_trade_that_nobody_made_cannot_be_closed(
    asking: AlipayChannel, gateway: Gateway, peer: AlipayPeer
) -> None:
    gateway.says(refusal(peer, "40004", "ACQ.TRADE_NOT_EXIST", method=METHOD))

    assert asking.close(RECORD, soon()) == NothingToClose()


@pytest.mark.parametrize(
    "sub_code",
    [
        "ACQ.TRADE_STATUS_ERROR",
        "ACQ.REASON_TRADE_STATUS_INVALID",
        "ACQ.REASON_ILLEGAL_STATUS",
        "ACQ.TRADE_HAS_SUCCESS",
        "ACQ.TRADE_HAS_FINISHED",
        "ACQ.TRADE_HAS_CLOSE",
    ],
)
def test_a_trade_that_is_not_open_any_more_is_refused(
    asking: AlipayChannel, gateway: Gateway, peer: AlipayPeer, sub_code: str
) -> None:
    gateway.says(refusal(peer, "40004", sub_code, method=METHOD))

    assert asking.close(RECORD, soon()) == CloseRefused(f"40004 {sub_code}")


@pytest.mark.parametrize(
    ("code", "sub_code"),
    [
        ("20000", "isp.unknow-error"),
        ("20000", "aop.ACQ.SYSTEM_ERROR"),
        ("40004", "ACQ.SYSTEM_ERROR"),
        ("40004", "ACQ.INVALID_PARAMETER"),
        ("40004", "ACQ.A_CODE_OF_TOMORROW"),
        ("40002", "isv.invalid-timestamp"),
        ("40006", "isv.insufficient-isv-permissions"),
    ],
)
def test_a_refusal_that_says_nothing_about_the_trade_is_unknown(
    asking: AlipayChannel, gateway: Gateway, peer: AlipayPeer, code: str, sub_code: str
) -> None:
    gateway.says(refusal(peer, code, sub_code, method=METHOD))

    with pytest.raises(ChannelUnavailable, match=sub_code):
        asking.close(RECORD, soon())


@pytest.mark.parametrize("about", ["150000000000000002", ""])
def test_an_answer_about_another_trade_is_unknown(
    asking: AlipayChannel, gateway: Gateway, peer: AlipayPeer, about: str
) -> None:
    gateway.says(closed(peer, out_trade_no=about))

    with pytest.raises(ChannelUnavailable, match=PAY_NO):
        asking.close(RECORD, soon())


def test_an_answer_that_names_no_trade_is_unknown(
    asking: AlipayChannel, gateway: Gateway, peer: AlipayPeer
) -> None:
    gateway.says(closed(peer, without=("out_trade_no",)))

    with pytest.raises(ChannelUnavailable, match=PAY_NO):
        asking.close(RECORD, soon())


@pytest.mark.parametrize("sub_code", ["ACQ.TRADE_NOT_EXIST", "ACQ.TRADE_STATUS_ERROR"])
def test_a_refusal_of_another_trade_is_unknown(
    asking: AlipayChannel, gateway: Gateway, peer: AlipayPeer, sub_code: str
) -> None:
    gateway.says(refusal(peer, "40004", sub_code, method=METHOD, out_trade_no="15"))

    with pytest.raises(ChannelUnavailable):
        asking.close(RECORD, soon())


def test_an_attempt_of_another_app_is_not_closed_by_ours(
    asking: AlipayChannel, gateway: Gateway
) -> None:
    with pytest.raises(ChannelUnavailable):
        asking.close(a_pay_record(app_id="2021999999999999"), soon())

    assert gateway.requests == []
