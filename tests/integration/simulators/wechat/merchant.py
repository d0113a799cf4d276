"""A merchant of WeChat Pay: signs requests, and receives notifications on a site of its own."""

from __future__ import annotations

import base64
import json
import queue
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from flask import Flask, Response, request

from chalicelib.clock import Clock, to_rfc3339
from infra.local.wechat.payers import TEST_PAYER
from infra.local.wechat.signature import is_signed
from tests.integration.simulators.merchant import DEADLINE_SECONDS

APP_ID = "wx0000000000000001"
MCH_ID = "1900000001"
SERIAL = "5157F09EFDC096DE15EBE81A47057A7232F1B8E1"
PUBLIC_KEY_ID = "PUB_KEY_ID_0119000000012026112400000000000001"
NO = "order-1001"


@dataclass(frozen=True)
class Notify:
    """A notification as it arrived."""

    headers: dict[str, str]
    body: bytes

    def is_genuine(self, key: RSAPrivateKey) -> bool:
        """Whether the platform signed exactly this."""
        return _is_signed(self.headers, self.body, key)

    def envelope(self) -> dict[str, Any]:
        return dict(json.loads(self.body))

    def resource(self, api_v3_key: bytes) -> dict[str, Any]:
        sealed = self.envelope()["resource"]
        nonce, associated = sealed["nonce"].encode(), sealed["associated_data"].encode()
        cipher = base64.b64decode(sealed["ciphertext"])
        return dict(json.loads(AESGCM(api_v3_key).decrypt(nonce, cipher, associated)))


@dataclass
class WechatSite:
    """Takes notifications; answers with ``answers`` in turn, the last one for ever."""

    answers: list[int] = field(default_factory=lambda: [204])
    url: str = ""
    _received: queue.Queue[Notify] = field(default_factory=queue.Queue)

    def app(self) -> Flask:
        app = Flask("wechat-merchant")

        @app.post("/<path:path>")
        def notify(path: str) -> Response:
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            headers = {name.lower(): value for name, value in request.headers.items()}
            self._received.put(Notify(headers, request.get_data()))
            return Response('{"code":"FAIL","message":"no"}', answer)

        return app

    def next_notify(self) -> Notify:
        """The next notification that arrives."""
        return self._received.get(timeout=DEADLINE_SECONDS)

    def has_more(self) -> bool:
        return not self._received.empty()


@dataclass
class WechatMerchant:
    """Signs as one merchant and asks one platform."""

    key: RSAPrivateKey
    url: str
    notify_url: str
    clock: Clock
    http: httpx.Client

    def order(self, out_trade_no: str = NO, **changes: Any) -> dict[str, Any]:
        """A JSAPI order; None takes a field away."""
        order = {
            "appid": APP_ID,
            "mchid": MCH_ID,
            "description": "Java 编程思想",
            "out_trade_no": out_trade_no,
            "time_expire": self.rfc3339(timedelta(minutes=30)),
            "notify_url": self.notify_url,
            "amount": {"total": 990, "currency": "CNY"},
            "payer": {"openid": TEST_PAYER},
            **changes,
        }
        return {name: value for name, value in order.items() if value is not None}

    def h5_order(self, out_trade_no: str = NO, **changes: Any) -> dict[str, Any]:
        scene = {"payer_client_ip": "127.0.0.1", "h5_info": {"type": "Wap"}}
        return self.order(out_trade_no, payer=None, **({"scene_info": scene} | changes))

    def native_order(self, out_trade_no: str = NO, **changes: Any) -> dict[str, Any]:
        return self.order(out_trade_no, payer=None, **changes)

    def refund_of(self, *, refund: int = 990, **changes: Any) -> dict[str, Any]:
        """A refund request; None takes a field away."""
        asked = {
            "out_trade_no": NO,
            "out_refund_no": "refund-1",
            "notify_url": self.notify_url,
            "amount": {"refund": refund, "total": 990, "currency": "CNY"},
            **changes,
        }
        return {name: value for name, value in asked.items() if value is not None}

    def rfc3339(self, ahead: timedelta = timedelta()) -> str:
        return to_rfc3339(self.clock.now() + ahead)

    def sign(self, content: str) -> str:
        return base64.b64encode(self.key.sign(content.encode(), PKCS1v15(), SHA256())).decode()

    def authorization(self, method: str, target: str, body: str, **changes: str | None) -> str:
        """``changes`` replace values of the header after signing (None takes one away)."""
        timestamp = changes.pop("timestamp", None) or str(int(self.clock.now().timestamp()))
        nonce = secrets.token_hex(16)
        values: dict[str, str | None] = {
            "mchid": MCH_ID,
            "nonce_str": nonce,
            "signature": self.sign(f"{method}\n{target}\n{timestamp}\n{nonce}\n{body}\n"),
            "timestamp": timestamp,
            "serial_no": SERIAL,
            **changes,
        }
        pairs = ",".join(f'{n}="{v}"' for n, v in values.items() if v is not None)
        return f"WECHATPAY2-SHA256-RSA2048 {pairs}"

    def send(self, method: str, target: str, body: str = "", **headers: str) -> httpx.Response:
        """A signed request."""
        signed = {
            "Authorization": self.authorization(method, target, body),
            "Content-Type": "application/json",
        }
        return self.http.request(
            method, f"{self.url}{target}", content=body.encode(), headers=signed | headers
        )

    def post(self, target: str, content: Any) -> httpx.Response:
        return self.send("POST", target, json.dumps(content))

    def prepay(self, order: dict[str, Any] | None = None, kind: str = "jsapi") -> httpx.Response:
        return self.post(f"/v3/pay/transactions/{kind}", order or self.order())

    def query(self, out_trade_no: str = NO) -> httpx.Response:
        target = f"/v3/pay/transactions/out-trade-no/{out_trade_no}?mchid={MCH_ID}"
        return self.send("GET", target)

    def close(self, out_trade_no: str = NO, mchid: str = MCH_ID) -> httpx.Response:
        target = f"/v3/pay/transactions/out-trade-no/{out_trade_no}/close"
        return self.post(target, {"mchid": mchid})

    def refund(self, **changes: Any) -> httpx.Response:
        return self.post("/v3/refund/domestic/refunds", self.refund_of(**changes))

    def query_refund(self, out_refund_no: str = "refund-1") -> httpx.Response:
        return self.send("GET", f"/v3/refund/domestic/refunds/{out_refund_no}")

    def paid(self, out_trade_no: str = NO, **changes: Any) -> dict[str, Any]:
        """Ordered, and paid by the payer it was ordered for."""
        self.prepay(self.order(out_trade_no, **changes)).raise_for_status()
        return self.control(f"/trades/{out_trade_no}/pay")

    def control(self, path: str, content: Any = None) -> dict[str, Any]:
        answer = self.http.post(f"{self.url}/_control{path}", json=content or {})
        return dict(answer.raise_for_status().json())

    def order_fault(self, **fault: Any) -> None:
        self.control("/faults", fault)

    def trade(self, out_trade_no: str = NO) -> dict[str, Any]:
        return dict(self.http.get(f"{self.url}/_control/trades/{out_trade_no}").json())

    def deliveries(self, out_trade_no: str = NO) -> list[dict[str, Any]]:
        """Every attempt to deliver the last notification of a trade."""
        notifications = self.trade(out_trade_no)["notifications"]
        return list(notifications[-1]["deliveries"]) if notifications else []

    def bridge_parameters(self, prepay_id: str, **changes: Any) -> dict[str, Any]:
        """What a page passes to ``getBrandWCPayRequest``."""
        timestamp, nonce = str(int(time.time())), secrets.token_hex(16)
        package = f"prepay_id={prepay_id}"
        return {
            "appId": APP_ID,
            "timeStamp": timestamp,
            "nonceStr": nonce,
            "package": package,
            "signType": "RSA",
            "paySign": self.sign(f"{APP_ID}\n{timestamp}\n{nonce}\n{package}\n"),
            **changes,
        }


def code_of(response: httpx.Response) -> tuple[int, str]:
    """Status and code of a refusal."""
    return response.status_code, response.json()["code"]


def is_genuine(answer: httpx.Response, key: RSAPrivateKey) -> bool:
    """Whether the platform signed exactly this answer."""
    return _is_signed(answer.headers, answer.content, key)


def _is_signed(headers: Mapping[str, str], body: bytes, key: RSAPrivateKey) -> bool:
    if "wechatpay-signature" not in headers:
        return False
    signed = f"{headers['wechatpay-timestamp']}\n{headers['wechatpay-nonce']}\n".encode()
    content = signed + body + b"\n"
    return is_signed(content, headers["wechatpay-signature"], key.public_key())
