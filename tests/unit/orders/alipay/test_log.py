"""What the log gets to read of a failed question: codes, never what the answer says of people."""

from __future__ import annotations

import json
import traceback

import pytest

from chalicelib.errors import ChannelRefused, ChannelUnavailable
from chalicelib.orders.alipay.channel import AlipayChannel
from chalicelib.orders.alipay.sdk import as_code
from chalicelib.orders.verdict import RefundUnknown
from tests.builders import APP_ID, AlipayPeer, a_pay_record
from tests.unit.orders.alipay.answers import a_refund, paid_record, refusal, soon
from tests.unit.orders.alipay.gateway import Gateway, whole

RECORD = a_pay_record(app_id=APP_ID)
BUYER = "buyer@example.com"


def test_an_unsigned_answer_is_named_by_its_code_alone(
    asking: AlipayChannel, gateway: Gateway
) -> None:
    gateway.says(json.dumps({"error_response": {"code": "40002", "buyer_logon_id": BUYER}}))

    with pytest.raises(ChannelUnavailable) as unknown:
        asking.query(RECORD, soon())

    assert unknown.value.detail == "AliPayException 40002"


def test_not_even_a_traceback_quotes_an_answer(asking: AlipayChannel, gateway: Gateway) -> None:
    gateway.says(json.dumps({"error_response": {"code": "40002", "buyer_logon_id": BUYER}}))

    with pytest.raises(ChannelUnavailable) as unknown:
        asking.query(RECORD, soon())

    assert BUYER not in "".join(traceback.format_exception(unknown.value))


@pytest.mark.parametrize("code", [BUYER, "4000", "159****5620", "buyer", "40002 " + BUYER, "阿里"])
def test_what_stands_in_the_place_of_a_code_is_no_code(
    asking: AlipayChannel, gateway: Gateway, peer: AlipayPeer, code: str
) -> None:
    gateway.says(json.dumps({"error_response": {"code": code}}))
    with pytest.raises(ChannelUnavailable) as unknown:
        asking.query(RECORD, soon())
    assert unknown.value.detail == "AliPayException"

    gateway.says(refusal(peer, "40004", code))
    with pytest.raises(ChannelRefused) as refused:
        asking.query(RECORD, soon())
    assert refused.value.detail == "40004"


def test_a_status_line_is_named_by_its_number_alone(
    asking: AlipayChannel, gateway: Gateway
) -> None:
    gateway.does(lambda handler: handler.send_error(503, f"busy for {BUYER}"))

    with pytest.raises(ChannelUnavailable) as unknown:
        asking.query(RECORD, soon())

    assert unknown.value.detail == "HTTP 503"


def test_a_malformed_answer_is_not_quoted(asking: AlipayChannel, gateway: Gateway) -> None:
    def speak_in_tongues(handler: object) -> None:
        handler.wfile.write(f"{BUYER}\r\n\r\n".encode())  # type: ignore[attr-defined]

    gateway.does(speak_in_tongues)

    with pytest.raises(ChannelUnavailable) as unknown:
        asking.query(RECORD, soon())

    assert BUYER not in unknown.value.detail


def test_a_refusal_is_told_by_its_codes_and_not_by_its_text(
    asking: AlipayChannel, gateway: Gateway, peer: AlipayPeer
) -> None:
    gateway.says(refusal(peer, "40004", "ACQ.INVALID_PARAMETER"))

    with pytest.raises(ChannelRefused) as refused:
        asking.query(RECORD, soon())

    assert refused.value.detail == "40004 ACQ.INVALID_PARAMETER"


def test_an_unknown_refund_keeps_no_answer(asking: AlipayChannel, gateway: Gateway) -> None:
    gateway.does(whole(json.dumps({"error_response": {"code": "40002", "sub_msg": BUYER}})))

    verdict = asking.refund(paid_record(), a_refund(), soon())

    assert verdict == RefundUnknown("AliPayException 40002")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("10000", "10000"),
        ("isv.invalid-app-id", "isv.invalid-app-id"),
        ("aop.ACQ.SYSTEM_ERROR", "aop.ACQ.SYSTEM_ERROR"),
        ("isp.bill_not_exist", "isp.bill_not_exist"),
        ("１００００", ""),
        ("10000\n", ""),
        ("ACQ.", ""),
        ("ACQ." + "A" * 61, ""),
        ("buyer@ACQ.X", ""),
    ],
)
def test_a_code_is_known_by_its_form(text: str, shown: str) -> None:
    assert as_code(text) == shown
