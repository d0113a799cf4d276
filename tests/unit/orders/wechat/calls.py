"""Every call that asks WeChat something, each with the answer that it would be content with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from chalicelib.deadline import Deadline
from chalicelib.errors import ChannelUnavailable
from chalicelib.orders.verdict import RefundUnknown
from chalicelib.orders.wechat.oauth import WeChatOAuth
from tests.wechat_gateway import Answer, Gateway, raw
from tests.wechat_peer import (
    APP_ID,
    OPENID,
    a_paid_record,
    a_refund_answer,
    a_trade,
    a_wechat_channel,
    a_wechat_record,
    a_wechat_refund,
    wechat_peer,
)

BILL = b"\xef\xbb\xbf" + "交易时间\r\n".encode() * 20
UNKNOWN = "unknown"
FILE, OAUTH = "file", "openid"


@dataclass(frozen=True, slots=True)
class Good:
    """An answer that says something."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def answer(self) -> Answer:
        return raw(self.status, self.headers, self.body)


def _signed(content: Any, status: int = 200) -> Good:
    body = b"" if content is None else json.dumps(content).encode()
    return Good(status, body, wechat_peer().headers(body))


def good_answer(call: str, gateway: Gateway) -> Good:
    """What ``call`` waits for."""
    match call:
        case "start":
            return _signed({"prepay_id": "wx201410272009395522657a690"})
        case "query":
            return _signed(a_trade())
        case "close":
            return _signed(None, 204)
        case "refund" | "query_refund":
            return _signed(a_refund_answer())
        case "bill":
            sha1 = hashlib.sha1(BILL).hexdigest()
            url = f"{gateway.url}/v3/billdownload/file?token=x"
            return _signed({"hash_type": "SHA1", "hash_value": sha1, "download_url": url})
        case "file":
            return Good(200, BILL, {})
        case _:
            return Good(200, json.dumps({"openid": OPENID}).encode(), {})


def _openid(url: str, deadline: Deadline) -> str:
    oauth = WeChatOAuth(
        app_id=APP_ID,
        app_secret="secret",
        authorize_url="https://open.example/authorize",
        token_url=f"{url}/sns/oauth2/access_token",
        redirect_uri="https://pay.example/orders/wechat/oauth",
    )
    return oauth.openid("061FCode", deadline)


def _channel(url: str) -> Any:
    return a_wechat_channel(gateway_url=url)


def _bill(url: str, deadline: Deadline) -> bytes:
    return a_wechat_channel(gateway_url=url).download_bill(date(2026, 2, 28), deadline)


CALLS: dict[str, Callable[[str, Deadline], object]] = {
    "start": lambda url, end: _channel(url).start(a_wechat_record(), end),
    "query": lambda url, end: _channel(url).query(a_wechat_record(), end),
    "close": lambda url, end: _channel(url).close(a_wechat_record(), end),
    "refund": lambda url, end: _channel(url).refund(a_paid_record(), a_wechat_refund(), end),
    "query_refund": lambda url, end: _channel(url).query_refund(
        a_paid_record(), a_wechat_refund(), end
    ),
    "bill": _bill,
    FILE: _bill,
    OAUTH: _openid,
}
SIGNED = [call for call in CALLS if call not in (FILE, OAUTH)]
WITH_A_BODY = [call for call in CALLS if call != "close"]


def outcome(
    call: str, gateway: Gateway, answer: Answer, *, seconds: float = 10, url: str | None = None
) -> object:
    """What becomes of ``call`` when ``answer`` comes; `UNKNOWN` in either way of saying so."""
    file = good_answer(FILE, gateway).answer
    named = good_answer("bill", gateway).answer
    gateway.answers = {"bill": [answer, file], FILE: [named, answer]}.get(call, [answer])
    try:
        said = CALLS[call](gateway.url if url is None else url, Deadline.after(seconds))
    except ChannelUnavailable:
        return UNKNOWN
    return UNKNOWN if isinstance(said, RefundUnknown) else said
