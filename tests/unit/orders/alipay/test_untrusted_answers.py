"""An answer that cannot be trusted leaves it unknown, whatever was asked: never a wrong state."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import pytest

from chalicelib.deadline import Deadline
from chalicelib.errors import ChannelUnavailable
from chalicelib.orders.alipay.channel import AlipayChannel
from chalicelib.orders.verdict import RefundUnknown, StillOpen, Verdict
from tests.builders import APP_ID, PAY_NO, AlipayPeer, a_pay_record, an_alipay_channel
from tests.unit.orders.alipay.answers import (
    a_refund,
    a_zip,
    bill_at,
    closed,
    found,
    paid_record,
    refunded,
    soon,
)
from tests.unit.orders.alipay.gateway import Answer, Gateway, cut_off, hung_up, whole

RECORD = a_pay_record(app_id=APP_ID)
DAY = date(2026, 2, 28)


@dataclass(frozen=True)
class Call:
    """One question of the port: how it is asked, and what Alipay genuinely answers."""

    ask: Callable[[AlipayChannel, Deadline], object]
    genuine: Callable[[AlipayPeer, Gateway], str]

    def outcome(self, channel: AlipayChannel, seconds: float = 10) -> object:
        """What comes back, or None when it is unknown."""
        try:
            outcome = self.ask(channel, soon(seconds))
        except ChannelUnavailable:
            return None
        return None if isinstance(outcome, RefundUnknown) else outcome


QUERY = Call(
    lambda channel, end: channel.query(RECORD, end), lambda peer, gateway: peer.trade_answer()
)
CLOSE = Call(lambda channel, end: channel.close(RECORD, end), lambda peer, gateway: closed(peer))
REFUND = Call(
    lambda channel, end: channel.refund(paid_record(), a_refund(), end),
    lambda peer, gateway: refunded(peer),
)
QUERY_REFUND = Call(
    lambda channel, end: channel.query_refund(paid_record(), a_refund(), end),
    lambda peer, gateway: found(peer),
)
BILL = Call(
    lambda channel, end: channel.download_bill(DAY, end),
    lambda peer, gateway: bill_at(peer, f"{gateway.origin}/bill"),
)
CALLS = {
    "query": QUERY,
    "close": CLOSE,
    "refund": REFUND,
    "query_refund": QUERY_REFUND,
    "bill": BILL,
}


def spoiled(genuine: str) -> str:
    """Something else under the same signature."""
    assert '"Success"' in genuine or '"code": "10000"' in genuine
    return genuine.replace("Success", "Succcess")


def unsigned(genuine: str) -> str:
    return json.dumps({name: told for name, told in json.loads(genuine).items() if name != "sign"})


TROUBLES: dict[str, Callable[[Gateway, str], Answer]] = {
    "time-out": lambda gateway, genuine: gateway.silence,
    "dribbling": lambda gateway, genuine: gateway.dripping(genuine),
    "dribbling headers": lambda gateway, genuine: gateway.dripping_headers,
    "hung up": lambda gateway, genuine: hung_up,
    "500": lambda gateway, genuine: whole(genuine, status=500),
    "503": lambda gateway, genuine: whole(genuine, status=503),
    "HTML": lambda gateway, genuine: whole("<html>maintenance</html>"),
    "bad signature": lambda gateway, genuine: whole(spoiled(genuine)),
    "missing signature": lambda gateway, genuine: whole(unsigned(genuine)),
    "truncated JSON": lambda gateway, genuine: whole(genuine[:-30]),
    "cut off": lambda gateway, genuine: cut_off(genuine),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES)
def test_no_trouble_becomes_a_state(
    gateway: Gateway, peer: AlipayPeer, call: Call, trouble: Callable[[Gateway, str], Answer]
) -> None:
    gateway.does(trouble(gateway, call.genuine(peer, gateway)))

    assert call.outcome(an_alipay_channel(gateway_url=gateway.url), seconds=0.4) is None
    assert len(gateway.requests) == 1  # nothing was made of it, not even another question


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_refused_connection_is_unknown(call: Call) -> None:
    nobody = an_alipay_channel(gateway_url="http://127.0.0.1:1/gateway.do")

    assert call.outcome(nobody) is None


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_without_trouble_there_is_a_state(
    asking: AlipayChannel, gateway: Gateway, peer: AlipayPeer, call: Call
) -> None:
    gateway.says(call.genuine(peer, gateway), a_zip())

    assert call.outcome(asking) is not None


@pytest.mark.parametrize("forged_first", [False, True])
def test_a_forged_twin_of_the_answer_is_never_believed(
    gateway: Gateway, peer: AlipayPeer, forged_first: bool
) -> None:
    genuine = peer.trade_answer(trade_status="WAIT_BUYER_PAY")
    name, told = next(iter(json.loads(genuine).items()))
    forged = f'"{name}":{json.dumps(told | {"trade_status": "TRADE_SUCCESS"})}'
    gateway.says(
        "{" + forged + "," + genuine[1:] if forged_first else genuine[:-1] + "," + forged + "}"
    )

    assert QUERY.outcome(an_alipay_channel(gateway_url=gateway.url)) in (StillOpen(), None)


def asked(gateway: Gateway) -> Verdict:
    return an_alipay_channel(gateway_url=gateway.url).query(RECORD, soon())


@pytest.mark.parametrize(
    "name", ["alipay_trade_query_response", "error_response", "something_else"]
)
@pytest.mark.parametrize(
    "content",
    [
        {"code": "40002", "sub_code": "isv.invalid-signature"},
        {"code": "40004", "sub_code": "ACQ.TRADE_NOT_EXIST"},
        {"code": "10000", "trade_status": "TRADE_SUCCESS", "out_trade_no": PAY_NO},
        {},
    ],
)
def test_an_unsigned_answer_is_no_verdict(
    gateway: Gateway, name: str, content: dict[str, str]
) -> None:
    gateway.says(json.dumps({name: content}))

    with pytest.raises(ChannelUnavailable):
        asked(gateway)


def test_an_error_response_is_no_verdict_even_beside_a_signature(
    gateway: Gateway, peer: AlipayPeer
) -> None:
    content = {"code": "40004", "sub_code": "ACQ.TRADE_NOT_EXIST"}
    signature = peer.sign(json.dumps(content))
    gateway.says(json.dumps({"error_response": content, "sign": signature}))

    with pytest.raises(ChannelUnavailable):
        asked(gateway)


def test_an_answer_of_another_method_is_no_verdict(gateway: Gateway, peer: AlipayPeer) -> None:
    content = {"code": "10000", "out_trade_no": PAY_NO, "trade_no": "1"}
    gateway.says(peer.answer(content, method="alipay_trade_close"))

    with pytest.raises(ChannelUnavailable):
        asked(gateway)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>maintenance</html>",
        b"null",
        b"[]",
        b"{}",
        b'{"sign":"x"}',
        b'{"alipay_trade_query_response":{},"sign":"??"}',
        b'{"alipay_trade_query_response":"text","sign":"AAAA"}',
        b'{"alipay_trade_query_response":{"code":"10000"',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_garbage_is_no_verdict(gateway: Gateway, body: bytes) -> None:
    gateway.says(body)

    with pytest.raises(ChannelUnavailable):
        asked(gateway)


@pytest.mark.parametrize("status", [400, 403, 404, 429, 500, 502, 503])
def test_an_http_error_is_no_verdict_whatever_it_carries(
    gateway: Gateway, peer: AlipayPeer, status: int
) -> None:
    gateway.says(peer.trade_answer(), status=status)

    with pytest.raises(ChannelUnavailable, match=str(status)):
        asked(gateway)


def test_an_answer_beyond_a_mebibyte_is_no_verdict(gateway: Gateway, peer: AlipayPeer) -> None:
    gateway.says(peer.trade_answer(subject="x" * 1024 * 1024))

    with pytest.raises(ChannelUnavailable, match="too long"):
        asked(gateway)


def test_a_redirect_is_not_followed(gateway: Gateway) -> None:
    gateway.says(b"", status=302, Location=gateway.url)

    with pytest.raises(ChannelUnavailable):
        asked(gateway)

    assert len(gateway.requests) == 1


def test_a_refused_connection_is_no_verdict(gateway: Gateway) -> None:
    channel = an_alipay_channel(gateway_url="http://127.0.0.1:1/gateway.do")

    with pytest.raises(ChannelUnavailable):
        channel.query(a_pay_record(), Deadline.after(10))


def test_a_connection_that_breaks_is_no_verdict(gateway: Gateway) -> None:
    gateway.does(hung_up)

    with pytest.raises(ChannelUnavailable):
        asked(gateway)
