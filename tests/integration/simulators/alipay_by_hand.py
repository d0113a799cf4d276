"""An Alipay in this process, moved by a clock and delivered by hand: nothing happens by itself."""

from __future__ import annotations

import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from werkzeug.test import TestResponse

from chalicelib.clock import to_beijing_text
from infra.local.alipay import platform as alipay_platform
from infra.local.alipay.app import create_app
from infra.local.alipay.faults import Fault
from infra.local.alipay.signature import Keys
from tests.fakes.clock import FakeClock
from tests.integration.simulators.merchant import APP_ID, SELLER_ID, signed_request

NOTIFY_URL = "https://shop.test/notify"


class AlipayByHand:
    """The platform, a payer and a merchant who all live on ``clock``."""

    def __init__(self, keys: Keys, merchant_key: RSAPrivateKey, **settings: Any) -> None:
        self.clock = FakeClock()
        self.platform = alipay_platform.Platform(
            alipay_platform.Merchant(APP_ID, SELLER_ID),
            keys,
            clock=self.clock,
            notify_by_hand=True,
            **settings,
        )
        self.client = create_app(self.platform).test_client()
        self._key = merchant_key

    def signed(self, method: str, content: dict[str, Any], **public: str) -> dict[str, str]:
        timestamp = to_beijing_text(self.clock.now())
        return signed_request(self._key, method, content, timestamp=timestamp, **public)

    def open(self, out_trade_no: str = "1001", **changes: Any) -> TestResponse:
        """The payer's browser submits the form; it may pay for half an hour."""
        order = {
            "out_trade_no": out_trade_no,
            "total_amount": "9.90",
            "subject": "Java 编程思想",
            "product_code": "QUICK_WAP_WAY",
            "time_expire": self.in_minutes(30),
        } | changes
        form = self.signed("alipay.trade.wap.pay", order, notify_url=NOTIFY_URL)
        return self.client.post("/gateway.do", data=form)

    def log_in(self, out_trade_no: str = "1001", **changes: Any) -> None:
        self.open(out_trade_no, **changes)
        assert self.control(out_trade_no, "login").status_code == 200

    def pay(self, out_trade_no: str = "1001", **changes: Any) -> None:
        self.log_in(out_trade_no, **changes)
        assert self.control(out_trade_no, "pay").status_code == 200

    def control(self, out_trade_no: str, deed: str, **order: Any) -> TestResponse:
        return self.client.post(f"/_control/trades/{out_trade_no}/{deed}", json=order)

    def ask(self, method: str, **content: Any) -> dict[str, Any]:
        """The content of a server answer."""
        response = self.client.post("/gateway.do", data=self.signed(method, content))
        answer = json.loads(response.text)
        return dict(answer[f"{method.replace('.', '_')}_response"])

    def status(self, out_trade_no: str = "1001") -> str:
        """The state of a trade, or why there is none."""
        told = self.ask("alipay.trade.query", out_trade_no=out_trade_no)
        return str(told.get("trade_status") or told["sub_code"])

    def fault(self, **fault: Any) -> None:
        self.platform.faults.add(Fault(**fault))

    def in_minutes(self, minutes: float) -> str:
        """A Beijing time from now."""
        later = self.clock.advance(minutes=minutes)
        self.clock.advance(minutes=-minutes)
        return to_beijing_text(later)
