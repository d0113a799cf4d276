"""A merchant for the simulator: signs requests, and receives notifications on a site of its own."""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from flask import Flask, Response, request

from chalicelib.clock import to_beijing_text
from infra.local.alipay.signature import sign, text_of_request

APP_ID = "2021000000000001"
SELLER_ID = "2088000000000001"
DEADLINE_SECONDS = 15.0


class ShiftedClock:
    """The clock of this machine, put forward by ``ahead``."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class MerchantSite:
    """Takes notifications; answers with ``answers`` in turn, the last one for ever."""

    answers: list[str] = field(default_factory=lambda: ["success"])
    url: str = ""
    may_answer: threading.Event = field(default_factory=threading.Event)
    _received: queue.Queue[dict[str, str]] = field(default_factory=queue.Queue)

    def __post_init__(self) -> None:
        self.may_answer.set()

    def app(self) -> Flask:
        app = Flask("merchant")

        @app.post("/notify")
        def notify() -> Response:
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            self._received.put(request.form.to_dict())
            self.may_answer.wait(DEADLINE_SECONDS)
            return Response(answer, content_type="text/plain")

        return app

    def next_notify(self) -> dict[str, str]:
        """The next notification that arrives."""
        return self._received.get(timeout=DEADLINE_SECONDS)

    def has_more(self) -> bool:
        return not self._received.empty()


@dataclass
class Merchant:
    """Signs as one app and asks one gateway."""

    key: RSAPrivateKey
    gateway: str
    control: str
    notify_url: str
    http: httpx.Client

    def order(self, out_trade_no: str = "1001", **changes: Any) -> dict[str, Any]:
        """The ``biz_content`` of a payment."""
        order = {
            "out_trade_no": out_trade_no,
            "total_amount": "9.90",
            "subject": "Java 编程思想",
            "product_code": "QUICK_WAP_WAY",
            "time_expire": beijing(timedelta(minutes=30)),
            **changes,
        }
        return {name: value for name, value in order.items() if value is not None}

    def signed(
        self, method: str, biz_content: Mapping[str, Any] | str, **changes: str | None
    ) -> dict[str, str]:
        """A signed request; ``changes`` replace public parameters (None takes one away)."""
        return signed_request(self.key, method, biz_content, **changes)

    def wap_form(self, order: Mapping[str, Any], **changes: str | None) -> dict[str, str]:
        """What the payer's browser submits."""
        urls = {"notify_url": self.notify_url, "return_url": "http://127.0.0.1:9/return"}
        return self.signed("alipay.trade.wap.pay", order, **(urls | changes))

    def open_cashier(self, order: Mapping[str, Any], **changes: str | None) -> httpx.Response:
        """The page that the payer's browser gets."""
        form = self.wap_form(order, **changes)
        return self.http.post(self.gateway, data=form, follow_redirects=True)

    def ask(self, method: str, biz_content: Mapping[str, Any]) -> dict[str, Any]:
        """The content of a server answer."""
        return self.answer(self.signed(method, biz_content))

    def answer(self, parameters: Mapping[str, str]) -> dict[str, Any]:
        """The content of whatever the gateway answers; its name is under ``name``."""
        body = self.http.get(self.gateway, params=parameters).json()
        (name,) = [name for name in body if name != "sign"]
        return {"name": name, "signed": "sign" in body, **body[name]}

    def query(self, out_trade_no: str = "1001") -> dict[str, Any]:
        return self.ask("alipay.trade.query", {"out_trade_no": out_trade_no})

    def close(self, out_trade_no: str = "1001") -> dict[str, Any]:
        return self.ask("alipay.trade.close", {"out_trade_no": out_trade_no})

    def refund(
        self, refund_amount: str, out_trade_no: str = "1001", **content: Any
    ) -> dict[str, Any]:
        which = {"out_trade_no": out_trade_no, "refund_amount": refund_amount}
        return self.ask("alipay.trade.refund", which | content)

    def refund_query(
        self, out_request_no: str, out_trade_no: str = "1001", **content: Any
    ) -> dict[str, Any]:
        which = {"out_trade_no": out_trade_no, "out_request_no": out_request_no}
        return self.ask("alipay.trade.fastpay.refund.query", which | content)

    @property
    def nothing_found(self) -> dict[str, Any]:
        """What `refund_query` tells of a refund that does not exist."""
        name = "alipay_trade_fastpay_refund_query_response"
        return {"name": name, "signed": True, "code": "10000", "msg": "Success"}

    def log_in(self, out_trade_no: str = "1001", **changes: Any) -> None:
        """A payer opens the cashier and logs in."""
        self.open_cashier(self.order(out_trade_no, **changes))
        self.http.post(f"{self.control}/trades/{out_trade_no}/login").raise_for_status()

    def pay(self, out_trade_no: str = "1001", **changes: Any) -> dict[str, Any]:
        """A payer opens the cashier and pays."""
        self.open_cashier(self.order(out_trade_no, **changes))
        answer = self.http.post(f"{self.control}/trades/{out_trade_no}/pay").raise_for_status()
        return dict(answer.json())

    def control_trade(self, deed: str, out_trade_no: str = "1001", **order: Any) -> dict[str, Any]:
        """Have something done to a trade behind the platform's back."""
        url = f"{self.control}/trades/{out_trade_no}/{deed}"
        return dict(self.http.post(url, json=order).raise_for_status().json())

    def trade(self, out_trade_no: str = "1001") -> dict[str, Any]:
        """What the platform knows of a trade, with its notifications."""
        return dict(self.http.get(f"{self.control}/trades/{out_trade_no}").json())

    def order_fault(self, **fault: Any) -> None:
        self.http.post(f"{self.control}/faults", json=fault).raise_for_status()

    def deliveries(self, out_trade_no: str = "1001") -> list[dict[str, Any]]:
        """Every attempt to deliver the last notification of a trade."""
        notifications = self.trade(out_trade_no)["notifications"]
        return list(notifications[-1]["deliveries"]) if notifications else []


def signed_request(
    key: RSAPrivateKey, method: str, biz_content: Mapping[str, Any] | str, **changes: str | None
) -> dict[str, str]:
    """A signed request; ``changes`` replace public parameters (None takes one away)."""
    text = biz_content if isinstance(biz_content, str) else json.dumps(biz_content)
    parameters = {
        "app_id": APP_ID,
        "method": method,
        "charset": "utf-8",
        "sign_type": "RSA2",
        "timestamp": beijing(),
        "version": "1.0",
        "biz_content": text,
    }
    given = {n: v for n, v in (parameters | changes).items() if v is not None}
    return given | {"sign": sign(text_of_request(given), key)}


def beijing(ahead: timedelta = timedelta()) -> str:
    return to_beijing_text(datetime.now(UTC) + ahead)


def until(is_so: Callable[[], bool]) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)
