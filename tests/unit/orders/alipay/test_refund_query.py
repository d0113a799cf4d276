"""Asking Alipay how a refund stands."""

from __future__ import annotations

import pytest

from chalicelib.money import Fen
from chalicelib.orders.alipay.channel import AlipayChannel
from chalicelib.orders.verdict import RefundDone, RefundNotThere, RefundUnknown, RefundVerdict
from tests.builders import PAY_NO, AlipayPeer, a_pay_record
from tests.fakes.clock import START
from tests.unit.orders.alipay.answers import (
    BACK_AT,
    REFUND_NO,
    a_refund,
    found,
    nothing_found,
    paid_record,
    refusal,
    soon,
    success,
)
from tests.unit.orders.alipay.gateway import Gateway

METHOD = "alipay_trade_fastpay_refund_query"


def asked(channel: AlipayChannel, **changes: object) -> RefundVerdict:
    return channel.query_refund(paid_record(), a_refund(**changes), soon())


def test_a_refund_that_was_made_is_done(
    asking: AlipayChannel, gateway: Gateway, peer: AlipayPeer
) -> None:
    gateway.says(found(peer))

    assert asked(asking) == RefundDone(amount_fen=Fen(450), refunded_at=BACK_AT)

    (request,) = gateway.requests
    assert peer.merchant_signed(request)
    assert request["method"] == "alipay.trade.fastpay.refund.query"
    assert gateway.content() == {
        "out_trade_no": PAY_NO,
        "out_request_no": REFUND_NO,
        "query_options": ["gmt_refund_pay"],
    }


def test_a_refund_is_asked_for_by_the_number_of_its_generation(
    asking: AlipayChannel, gateway: Gateway, peer: AlipayPeer
) -> None:
    number = f"{REFUND_NO}_2"
    gateway.says(found(peer, out_request_no=number))

    assert isinstance(asked(asking, generation=2), RefundDone)
    assert gateway.content()["out_request_no"] == number


def test_a_refund_whose_time_is_not_told_happened_before_now(
    asking: AlipayChannel, gateway: Gateway, peer: AlipayPeer
) -> None:
    gateway.says(found(peer, without=("gmt_refund_pay",)))

    assert asked(asking) == RefundDone(amount_fen=Fen(450), refunded_at=START)


def test_a_success_with_nothing_in_it_means_that_there_is_no_such_refund(
    asking: AlipayChannel, gateway: Gateway, peer: AlipayPeer
) -> None:
    gateway.says(nothing_found(peer))

    assert asked(asking) == RefundNotThere()


def test_a_refund_without_a_status_was_not_made(
    asking: AlipayChannel, gateway: Gateway, peer: AlipayPeer
) -> None:
    gateway.says(found(peer, without=("refund_status", "refund_amount", "gmt_refund_pay")))

    assert asked(asking) == RefundNotThere()


def test_an_amount_without_a_status_is_believed_neither_way(
    asking: AlipayChannel, gateway: Gateway, peer: AlipayPeer
) -> None:
    gateway.says(found(peer, without=("refund_status",)))

    assert isinstance(asked(asking), RefundUnknown)


@pytest.mark.parametrize(
    "changes",
    [
        {"refund_status": "REFUND_PROCESSING"},
        {"refund_status": "REFUND_FAIL"},
        {"refund_status": "refund_success"},
        {"refund_amount": "4.49"},
        {"refund_amount": "9.90"},
        {"refund_amount": ""},
        {"refund_amount": "much"},
        {"out_trade_no": "150000000000000002"},
        {"out_trade_no": ""},
        {"out_request_no": "160000000000000002"},
        {"out_request_no": ""},
    ],
)
def test_an_answer_that_is_not_plainly_about_our_refund_is_unknown(
    asking: AlipayChannel, gateway: Gateway, peer: AlipayPeer, changes: dict[str, str]
) -> None:
    gateway.says(found(peer, **changes))

    assert isinstance(asked(asking), RefundUnknown)


@pytest.mark.parametrize(
    "fields", [{"out_trade_no": "15"}, {"out_request_no": "16"}, {"out_request_no": REFUND_NO[:-1]}]
)
def test_nothing_about_another_refund_is_unknown(
    asking: AlipayChannel, gateway: Gateway, peer: AlipayPeer, fields: dict[str, str]
) -> None:
    gateway.says(success(peer, METHOD, fields))

    assert isinstance(asked(asking), RefundUnknown)


@pytest.mark.parametrize(
    ("code", "sub_code"),
    [
        ("20000", "isp.unknow-error"),
        ("40004", "ACQ.SYSTEM_ERROR"),
        ("40004", "ACQ.TRADE_NOT_EXIST"),
        ("40004", "ACQ.INVALID_PARAMETER"),
        ("40002", "isv.invalid-signature"),
    ],
)
def test_a_refused_question_tells_nothing(
    asking: AlipayChannel, gateway: Gateway, peer: AlipayPeer, code: str, sub_code: str
) -> None:
    gateway.says(refusal(peer, code, sub_code, method=METHOD))

    assert asked(asking) == RefundUnknown(f"{code} {sub_code}")


def test_a_payment_of_another_app_is_not_asked_about(
    asking: AlipayChannel, gateway: Gateway
) -> None:
    record = a_pay_record(app_id="2021999999999999")

    assert isinstance(asking.query_refund(record, a_refund(), soon()), RefundUnknown)
    assert gateway.requests == []
