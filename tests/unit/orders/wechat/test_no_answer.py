"""Every call, with everything that can go wrong on the way: unknown, never failed, never done."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from http.server import BaseHTTPRequestHandler

import pytest

from chalicelib.deadline import Deadline
from chalicelib.errors import ChannelUnavailable
from tests.fakes.clock import START
from tests.unit.orders.wechat.calls import (
    CALLS,
    FILE,
    SIGNED,
    UNKNOWN,
    WITH_A_BODY,
    Good,
    good_answer,
    outcome,
)
from tests.wechat_gateway import Answer, Gateway, raw
from tests.wechat_peer import a_wechat_channel, a_wechat_record, wechat_peer

HTML = b"<!DOCTYPE html><html><body>502 Bad Gateway</body></html>"
Fault = Callable[[Good], Answer]


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    handler.connection.shutdown(socket.SHUT_RDWR)


def half_a_line(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.0 20")


def resigned(body: bytes) -> Answer:
    """Another body, properly signed."""
    return raw(200, wechat_peer().headers(body), body)


FAULTS: dict[str, Fault] = {
    "500": lambda good: raw(500, good.headers, good.body),
    "503 HTML": lambda good: raw(503, {"Content-Type": "text/html"}, HTML),
    "429 HTML": lambda good: raw(429, {"Content-Type": "text/html"}, HTML),
    "404 HTML": lambda good: raw(404, {"Content-Type": "text/html"}, HTML),
    "HTML with 200": lambda good: raw(200, {"Content-Type": "text/html"}, HTML),
    "HTML with 200, signed": lambda good: resigned(HTML),
    "a redirect": lambda good: raw(302, {**good.headers, "Location": "/elsewhere"}, good.body),
    "206": lambda good: raw(206, good.headers, good.body),
    "no answer": lambda good: hang_up,
    "half a status line": lambda good: half_a_line,
    "nothing, signed": lambda good: resigned(b""),
    "no JSON object, signed": lambda good: resigned(b"null"),
    "not UTF-8, signed": lambda good: resigned(b'{"\xff\xfe":1}'),
    "too deep, signed": lambda good: resigned(b"[" * 100_000),
}
FAULTS_OF_A_BODY: dict[str, Fault] = {
    "truncated JSON, signed": lambda good: resigned(good.body[: len(good.body) // 2]),
    "half the body": lambda good: raw(
        good.status, good.headers, good.body[: len(good.body) // 2], length=len(good.body)
    ),
    "packed": lambda good: raw(
        good.status, {**good.headers, "Content-Encoding": "gzip"}, gzip.compress(good.body)
    ),
}
FAULTS_OF_A_SIGNATURE: dict[str, Fault] = {
    "no signature": lambda good: raw(good.status, {}, good.body),
    "a signature of something else": lambda good: raw(
        good.status, wechat_peer().headers(good.body + b" "), good.body
    ),
    "a probe": lambda good: raw(
        good.status,
        {
            **good.headers,
            "Wechatpay-Signature": "WECHATPAY/SIGNTEST/" + good.headers["Wechatpay-Signature"][19:],
        },
        good.body,
    ),
    "a signature of yesterday": lambda good: raw(
        good.status,
        wechat_peer().headers(good.body, at=START - timedelta(days=1)),
        good.body,
    ),
    "another key": lambda good: raw(
        good.status, {**good.headers, "Wechatpay-Serial": "5157F09EFDC096DE"}, good.body
    ),
    "another algorithm": lambda good: raw(
        good.status, {**good.headers, "Wechatpay-Signature-Type": "WECHATPAY2-SM2"}, good.body
    ),
}
TABLE = [
    *((call, name, fault) for call in CALLS for name, fault in FAULTS.items()),
    *((call, name, fault) for call in WITH_A_BODY for name, fault in FAULTS_OF_A_BODY.items()),
    *((call, name, fault) for call in SIGNED for name, fault in FAULTS_OF_A_SIGNATURE.items()),
]


@pytest.mark.parametrize("call", CALLS)
def test_without_a_fault_each_call_knows(gateway: Gateway, call: str) -> None:
    assert outcome(call, gateway, good_answer(call, gateway).answer) != UNKNOWN


@pytest.mark.parametrize(
    ("call", "fault"),
    [pytest.param(call, fault, id=f"{call}: {name}") for call, name, fault in TABLE],
)
def test_what_cannot_be_trusted_is_unknown(gateway: Gateway, call: str, fault: Fault) -> None:
    assert outcome(call, gateway, fault(good_answer(call, gateway))) == UNKNOWN

    # nobody was asked again, nor for a certificate
    assert len(gateway.asked) == (2 if call == FILE else 1)


@pytest.mark.parametrize("call", CALLS)
def test_a_refused_connection_is_unknown(gateway: Gateway, call: str) -> None:
    good = good_answer(call, gateway)

    assert outcome(call, gateway, good.answer, url="http://127.0.0.1:1") == UNKNOWN


@pytest.mark.parametrize("call", CALLS)
def test_nothing_is_asked_when_no_time_is_left(gateway: Gateway, call: str) -> None:
    assert outcome(call, gateway, good_answer(call, gateway).answer, seconds=0) == UNKNOWN

    assert gateway.asked == []


@pytest.mark.parametrize("call", [call for call in CALLS if call != FILE])
def test_an_answer_beyond_a_mebibyte_is_unknown(gateway: Gateway, call: str) -> None:
    good = good_answer(call, gateway)
    padded = good.body.replace(b"{", b"{" + b" " * 1024 * 1024, 1) or b" " * 1024 * 1025
    headers = wechat_peer().headers(padded) if good.headers else {}

    assert outcome(call, gateway, raw(200, headers, padded)) == UNKNOWN


class TestTime:
    """An answer that is good, and too slow."""

    @pytest.mark.parametrize("call", CALLS)
    @pytest.mark.parametrize("way", ["silence", "headers drip", "body drips"])
    def test_it_ends_with_the_deadline(self, gateway: Gateway, call: str, way: str) -> None:
        good = good_answer(call, gateway)
        answer = slow(gateway, good, way)
        began = time.monotonic()

        assert outcome(call, gateway, answer, seconds=0.4) == UNKNOWN

        assert time.monotonic() - began < 4

    def test_it_ends_with_the_time_out(self, gateway: Gateway) -> None:
        gateway.answers = [slow(gateway, good_answer("query", gateway), "silence")]
        channel = a_wechat_channel(gateway_url=gateway.url, timeout_seconds=0.3)
        began = time.monotonic()

        with pytest.raises(ChannelUnavailable, match="in time"):
            channel.query(a_wechat_record(), Deadline.after(60))

        assert time.monotonic() - began < 4

    @pytest.mark.parametrize("call", CALLS)
    def test_no_thread_outlives_its_call(self, gateway: Gateway, call: str) -> None:
        outcome(call, gateway, good_answer(call, gateway).answer, seconds=30)

        assert not [t for t in threading.enumerate() if isinstance(t, threading.Timer)]


def slow(gateway: Gateway, good: Good, way: str) -> Answer:
    """``good``, in pieces so small that no single wait is long."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        if way == "silence":
            gateway.stopping.wait(30)
            return
        handler.send_response(good.status)
        for name, value in good.headers.items():
            handler.send_header(name, value)
        pieces = [b"X-%d: a\r\n" % number for number in range(90)]
        if way == "body drips" and good.status != 204:
            handler.send_header("Content-Length", str(len(good.body)))
            handler.end_headers()
            pieces = [bytes([byte]) for byte in good.body]
        handler.flush_headers()
        for piece in pieces:
            if gateway.stopping.wait(0.05):
                return
            try:
                handler.wfile.write(piece)
            except OSError:
                return

    return answer
