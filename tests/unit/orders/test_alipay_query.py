"""Asking Alipay: every answer that can be trusted is a verdict, every other one is unknown."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from chalicelib.deadline import Deadline
from chalicelib.errors import ChannelRefused, ChannelUnavailable
from chalicelib.money import Fen
from chalicelib.orders.model import (
    ClosedUnpaid,
    NotThereYet,
    Paid,
    StillOpen,
    Unknown,
    Verdict,
)
from tests.builders import APP_ID, PAY_NO, AlipayPeer, a_pay_record, alipay_peer, an_alipay_channel
from tests.fakes.clock import START

PAID_AT = datetime(2026, 3, 1, 4, 1, 4, tzinfo=UTC)
PAID = Paid(channel_trade_no="2026030122001431021421880567", amount_fen=Fen(990), paid_at=PAID_AT)

Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Gateway:
    """A gateway that says what it is told to say."""

    url: str = ""
    answer: Answer = lambda handler: None
    requests: list[dict[str, str]] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def says(self, text: str | bytes, status: int = 200, **headers: str) -> None:
        body = text.encode() if isinstance(text, str) else text

        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(status)
            for name, value in headers.items():
                handler.send_header(name, value)
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)

        self.answer = answer


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    gateway = Gateway()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            gateway.requests.append(dict(parse_qsl(urlsplit(self.path).query)))
            gateway.answer(self)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    gateway.url = f"http://127.0.0.1:{server.server_port}/gateway.do"
    yield gateway
    gateway.stopping.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def peer() -> AlipayPeer:
    return alipay_peer()


def asked(gateway: Gateway, seconds: float = 10) -> Verdict:
    return an_alipay_channel(gateway_url=gateway.url).query(
        a_pay_record(app_id=APP_ID), Deadline.after(seconds)
    )


def refusal(peer: AlipayPeer, code: str, sub_code: str, **more: str) -> str:
    return peer.answer({"code": code, "msg": "no", "sub_code": sub_code, "sub_msg": "不", **more})


class TestVerdicts:
    def test_a_paid_trade_is_paid(self, gateway: Gateway, peer: AlipayPeer) -> None:
        gateway.says(peer.trade_answer())

        assert asked(gateway) == PAID

    def test_the_question_is_signed_and_stamped_with_beijing_time(
        self, gateway: Gateway, peer: AlipayPeer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        gateway.says(peer.trade_answer())
        with monkeypatch.context() as patch:
            patch.setenv("TZ", "America/New_York")
            time.tzset()
            asked(gateway)
        time.tzset()

        (request,) = gateway.requests
        assert peer.merchant_signed(request)
        assert request["method"] == "alipay.trade.query"
        assert request["timestamp"] == "2026-03-01 12:00:00"
        assert json.loads(request["biz_content"]) == {"out_trade_no": PAY_NO}
        assert "notify_url" not in request

    @pytest.mark.parametrize(
        ("changes", "refunded"),
        [
            ({"trade_status": "TRADE_FINISHED"}, 0),
            ({"refund_fee": "4.50"}, 450),
            ({"trade_status": "TRADE_CLOSED"}, 990),
        ],
    )
    def test_a_payment_tells_what_went_back(
        self, gateway: Gateway, peer: AlipayPeer, changes: dict[str, str], refunded: int
    ) -> None:
        gateway.says(peer.trade_answer(**changes))

        verdict = asked(gateway)

        assert isinstance(verdict, Paid)
        assert (verdict.refunded_fen, verdict.paid_at) == (Fen(refunded), PAID_AT)

    def test_a_payment_whose_time_is_not_told_happened_before_now(
        self, gateway: Gateway, peer: AlipayPeer
    ) -> None:
        gateway.says(peer.trade_answer(without=("send_pay_date",)))

        verdict = asked(gateway)

        assert isinstance(verdict, Paid)
        assert verdict.paid_at == START

    def test_another_amount_is_handed_on(self, gateway: Gateway, peer: AlipayPeer) -> None:
        gateway.says(peer.trade_answer(total_amount="0.01"))

        verdict = asked(gateway)

        assert isinstance(verdict, Paid)
        assert verdict.amount_fen == Fen(1)

    @pytest.mark.parametrize(
        ("status", "verdict"),
        [("TRADE_CLOSED", ClosedUnpaid()), ("WAIT_BUYER_PAY", StillOpen())],
    )
    def test_a_trade_that_nobody_paid(
        self, gateway: Gateway, peer: AlipayPeer, status: str, verdict: Verdict
    ) -> None:
        gateway.says(peer.trade_answer(trade_status=status, without=("send_pay_date",)))

        assert asked(gateway) == verdict

    @pytest.mark.parametrize(
        "changes",
        [
            {"trade_status": "TRADE_PENDING"},
            {"trade_status": ""},
            {"total_amount": "much"},
            {"trade_no": ""},
            {"send_pay_date": "yesterday"},
        ],
    )
    def test_an_answer_that_cannot_be_read_is_unknown(
        self, gateway: Gateway, peer: AlipayPeer, changes: dict[str, str]
    ) -> None:
        gateway.says(peer.trade_answer(**changes))

        assert isinstance(asked(gateway), Unknown)

    @pytest.mark.parametrize("more", [{}, {"out_trade_no": PAY_NO}])
    def test_a_trade_that_alipay_does_not_know_is_not_there_yet(
        self, gateway: Gateway, peer: AlipayPeer, more: dict[str, str]
    ) -> None:
        gateway.says(refusal(peer, "40004", "ACQ.TRADE_NOT_EXIST", **more))

        assert asked(gateway) == NotThereYet()


class TestBracesInStrings:
    @pytest.mark.parametrize("text", ["{", "}", "}}{", '\\"}', "\\\\", "{课程}", "alipay_}"])
    def test_a_genuine_answer_is_believed(
        self, gateway: Gateway, peer: AlipayPeer, text: str
    ) -> None:
        gateway.says(peer.trade_answer(subject=text))

        assert asked(gateway) == PAID

    def test_a_changed_answer_is_not(self, gateway: Gateway, peer: AlipayPeer) -> None:
        gateway.says(peer.trade_answer(subject="}").replace('"9.90"', '"0.90"'))

        with pytest.raises(ChannelUnavailable):
            asked(gateway)


class TestNoAnswerThatCanBeTrusted:
    @pytest.mark.parametrize(
        ("code", "sub_code"),
        [
            ("20000", "isp.unknow-error"),
            ("20000", "aop.ACQ.SYSTEM_ERROR"),
            ("40004", "ACQ.SYSTEM_ERROR"),
        ],
    )
    def test_trouble_at_alipay_is_unknown(
        self, gateway: Gateway, peer: AlipayPeer, code: str, sub_code: str
    ) -> None:
        gateway.says(refusal(peer, code, sub_code))

        with pytest.raises(ChannelUnavailable, match=sub_code):
            asked(gateway)

    @pytest.mark.parametrize(
        ("code", "sub_code"),
        [("40002", "isv.invalid-app-id"), ("40004", "ACQ.INVALID_PARAMETER"), ("40006", "isv.x")],
    )
    def test_a_signed_refusal_is_a_refusal(
        self, gateway: Gateway, peer: AlipayPeer, code: str, sub_code: str
    ) -> None:
        gateway.says(refusal(peer, code, sub_code))

        with pytest.raises(ChannelRefused, match=sub_code):
            asked(gateway)

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
        self, gateway: Gateway, name: str, content: dict[str, str]
    ) -> None:
        gateway.says(json.dumps({name: content}))

        with pytest.raises(ChannelUnavailable):
            asked(gateway)

    def test_an_unsigned_answer_stays_out_of_the_log(self, gateway: Gateway) -> None:
        content = {"code": "40004", "buyer_logon_id": "buyer@example.com"}
        gateway.says(json.dumps({"error_response": content}))

        with pytest.raises(ChannelUnavailable) as unknown:
            asked(gateway)

        assert "buyer" not in unknown.value.detail
        assert "40004" in unknown.value.detail

    def test_an_error_response_is_no_verdict_even_beside_a_signature(
        self, gateway: Gateway, peer: AlipayPeer
    ) -> None:
        content = {"code": "40004", "sub_code": "ACQ.TRADE_NOT_EXIST"}
        signature = peer.sign(json.dumps(content))
        gateway.says(json.dumps({"error_response": content, "sign": signature}))

        with pytest.raises(ChannelUnavailable):
            asked(gateway)

    def test_an_answer_of_another_method_is_no_verdict(
        self, gateway: Gateway, peer: AlipayPeer
    ) -> None:
        content = {"code": "10000", "out_trade_no": PAY_NO, "trade_no": "1"}
        gateway.says(peer.answer(content, method="alipay_trade_close"))

        with pytest.raises(ChannelUnavailable):
            asked(gateway)

    @pytest.mark.parametrize("about", ["150000000000000002", ""])
    def test_an_answer_about_another_trade_is_no_verdict(
        self, gateway: Gateway, peer: AlipayPeer, about: str
    ) -> None:
        gateway.says(peer.trade_answer(out_trade_no=about))

        with pytest.raises(ChannelUnavailable, match=PAY_NO):
            asked(gateway)

    def test_not_there_of_another_trade_is_no_verdict(
        self, gateway: Gateway, peer: AlipayPeer
    ) -> None:
        gateway.says(refusal(peer, "40004", "ACQ.TRADE_NOT_EXIST", out_trade_no="15"))

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
    def test_garbage_is_no_verdict(self, gateway: Gateway, body: bytes) -> None:
        gateway.says(body)

        with pytest.raises(ChannelUnavailable):
            asked(gateway)

    @pytest.mark.parametrize("status", [400, 403, 404, 429, 500, 502, 503])
    def test_an_http_error_is_no_verdict_whatever_it_carries(
        self, gateway: Gateway, peer: AlipayPeer, status: int
    ) -> None:
        gateway.says(peer.trade_answer(), status=status)

        with pytest.raises(ChannelUnavailable, match=str(status)):
            asked(gateway)

    def test_an_answer_beyond_a_mebibyte_is_no_verdict(
        self, gateway: Gateway, peer: AlipayPeer
    ) -> None:
        gateway.says(peer.trade_answer(subject="x" * 1024 * 1024))

        with pytest.raises(ChannelUnavailable, match="too long"):
            asked(gateway)

    def test_a_redirect_is_not_followed(self, gateway: Gateway) -> None:
        gateway.says(b"", status=302, Location=gateway.url)

        with pytest.raises(ChannelUnavailable):
            asked(gateway)

        assert len(gateway.requests) == 1

    def test_a_refused_connection_is_no_verdict(self, gateway: Gateway) -> None:
        channel = an_alipay_channel(gateway_url="http://127.0.0.1:1/gateway.do")

        with pytest.raises(ChannelUnavailable):
            channel.query(a_pay_record(), Deadline.after(10))

    def test_a_connection_that_breaks_is_no_verdict(self, gateway: Gateway) -> None:
        gateway.answer = lambda handler: handler.connection.close()

        with pytest.raises(ChannelUnavailable):
            asked(gateway)

    def test_an_attempt_of_another_app_is_not_asked_about(self, gateway: Gateway) -> None:
        record = a_pay_record(app_id="2021999999999999")

        with pytest.raises(ChannelUnavailable):
            an_alipay_channel(gateway_url=gateway.url).query(record, Deadline.after(10))

        assert gateway.requests == []


class TestTime:
    def test_silence_ends_with_the_deadline(self, gateway: Gateway) -> None:
        gateway.answer = lambda handler: void(gateway.stopping.wait(30))
        started = time.monotonic()

        with pytest.raises(ChannelUnavailable):
            asked(gateway, seconds=0.3)

        assert time.monotonic() - started < 3

    def test_silence_ends_with_the_time_out(self, gateway: Gateway) -> None:
        gateway.answer = lambda handler: void(gateway.stopping.wait(30))
        channel = an_alipay_channel(gateway_url=gateway.url, timeout_seconds=0.3)
        started = time.monotonic()

        with pytest.raises(ChannelUnavailable):
            channel.query(a_pay_record(), Deadline.after(60))

        assert time.monotonic() - started < 3

    def test_an_answer_that_drips_ends_with_the_deadline(
        self, gateway: Gateway, peer: AlipayPeer
    ) -> None:
        body = peer.trade_answer().encode()

        def drip(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            for byte in body:
                if gateway.stopping.wait(0.05):
                    return
                try:
                    handler.wfile.write(bytes([byte]))
                except OSError:
                    return

        gateway.answer = drip
        started = time.monotonic()

        with pytest.raises(ChannelUnavailable):
            asked(gateway, seconds=0.5)

        assert time.monotonic() - started < 4

    def test_headers_that_drip_end_with_the_deadline(self, gateway: Gateway) -> None:
        def drip(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(200)
            handler.flush_headers()
            for number in range(200):
                if gateway.stopping.wait(0.1):
                    return
                try:
                    handler.wfile.write(b"X-%d: a\r\n" % number)
                except OSError:
                    return

        gateway.answer = drip
        started = time.monotonic()

        with pytest.raises(ChannelUnavailable):
            asked(gateway, seconds=0.5)

        assert time.monotonic() - started < 4

    def test_no_thread_outlives_its_question(self, gateway: Gateway, peer: AlipayPeer) -> None:
        gateway.says(peer.trade_answer())
        asked(gateway, seconds=30)

        assert not [t for t in threading.enumerate() if isinstance(t, threading.Timer)]

    def test_nothing_is_asked_when_no_time_is_left(self, gateway: Gateway) -> None:
        with pytest.raises(ChannelUnavailable, match="no time"):
            asked(gateway, seconds=0)

        assert gateway.requests == []


def test_a_proxy_of_the_environment_is_not_used(
    gateway: Gateway, peer: AlipayPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    gateway.says(peer.trade_answer())

    assert asked(gateway) == PAID


def void(_: object) -> None:
    """Drop a value where a callable must return None."""
