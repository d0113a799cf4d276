"""Builders: valid things that a test changes in the one place that it is about."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from chalicelib.money import Fen
from chalicelib.orders.model import OrderId, PayNo, PayRecord, PayStatus
from tests.fakes.clock import START, FakeClock

if TYPE_CHECKING:
    from chalicelib.orders.alipay.channel import AlipayChannel

APP_ID = "2021000000000001"
SELLER_ID = "2088000000000001"
PAY_NO = PayNo("150000000000000001")


def a_pay_record(**changes: Any) -> PayRecord:
    """An attempt that was never opened, for 9.90 yuan, made at `START` and good for 30 minutes."""
    record = PayRecord(
        pay_no=PAY_NO,
        order_id=OrderId("140000000000000001"),
        user_id="52",
        status=PayStatus.UNPAID,
        amount_fen=Fen(990),
        subject="Java 编程思想",
        created_at=START,
        expires_at=START + timedelta(minutes=30),
    )
    return replace(record, **changes)


class AlipayPeer:
    """Alipay, as a stranger to our SDK: ``cryptography``, and keys made at run time."""

    def __init__(self) -> None:
        self.platform_key = generate_private_key(public_exponent=65537, key_size=2048)
        self.app_key = generate_private_key(public_exponent=65537, key_size=2048)

    @property
    def app_private_key(self) -> str:
        """The merchant's private key, PEM."""
        return private_pem(self.app_key)

    @property
    def alipay_public_key(self) -> str:
        """The platform's public key, PEM."""
        return public_pem(self.platform_key)

    def sign(self, text: str) -> str:
        """The platform's RSA2 signature of ``text``."""
        return base64.b64encode(
            self.platform_key.sign(text.encode(), PKCS1v15(), SHA256())
        ).decode()

    def merchant_signed(self, fields: Mapping[str, str]) -> bool:
        """Whether ``sign`` is the merchant's signature of all other fields."""
        text = signed_text(fields, without=("sign",))
        self.app_key.public_key().verify(
            base64.b64decode(fields["sign"]), text.encode(), PKCS1v15(), SHA256()
        )
        return True

    def notify_fields(self, *, without: tuple[str, ...] = (), **changes: str) -> dict[str, str]:
        """A signed notification of a payment; ``changes`` and ``without`` apply before signing."""
        fields = {
            "notify_time": "2026-03-01 12:01:05",
            "notify_type": "trade_status_sync",
            "notify_id": "2026030100222120105031021421880567",
            "charset": "utf-8",
            "version": "1.0",
            "app_id": APP_ID,
            "auth_app_id": APP_ID,
            "seller_id": SELLER_ID,
            "trade_no": "2026030122001431021421880567",
            "out_trade_no": PAY_NO,
            "trade_status": "TRADE_SUCCESS",
            "total_amount": "9.90",
            "receipt_amount": "9.90",
            "buyer_pay_amount": "9.90",
            "invoice_amount": "9.90",
            "point_amount": "0.00",
            "refund_fee": "0.00",
            "subject": "Java 编程思想",
            "body": "",
            "buyer_id": "2088000000000099",
            "gmt_create": "2026-03-01 12:01:00",
            "gmt_payment": "2026-03-01 12:01:04",
            "fund_bill_list": '[{"amount":"9.90","fundChannel":"ALIPAYACCOUNT"}]',
            **changes,
        }
        kept = {name: value for name, value in fields.items() if name not in without}
        signature = self.sign(signed_text(kept))
        return {**kept, "sign_type": "RSA2", "sign": signature}

    def notify(self, *, without: tuple[str, ...] = (), **changes: str) -> bytes:
        """The body of a signed notification."""
        return urlencode(self.notify_fields(without=without, **changes)).encode()

    def return_query(self, *, with_sign_type: bool = False, **changes: str) -> dict[str, str]:
        """The signed query of a browser return."""
        fields = {
            "charset": "utf-8",
            "out_trade_no": PAY_NO,
            "method": "alipay.trade.wap.pay.return",
            "total_amount": "9.90",
            "trade_no": "2026030122001431021421880567",
            "auth_app_id": APP_ID,
            "version": "1.0",
            "app_id": APP_ID,
            "sign_type": "RSA2",
            "seller_id": SELLER_ID,
            "timestamp": "2026-03-01 12:01:06",
            **changes,
        }
        without = ("sign",) if with_sign_type else ("sign", "sign_type")
        return {**fields, "sign": self.sign(signed_text(fields, without=without))}

    def answer(self, content: Mapping[str, object], *, method: str = "alipay_trade_query") -> str:
        """A signed synchronous answer."""
        text = json.dumps(content, ensure_ascii=False)
        return f'{{"{method}_response":{text},"sign":"{self.sign(text)}"}}'

    def trade_answer(self, *, without: tuple[str, ...] = (), **changes: str) -> str:
        """The answer to a query about a paid trade; ``changes`` and ``without`` as above."""
        content = {
            "code": "10000",
            "msg": "Success",
            "buyer_logon_id": "159****5620",
            "out_trade_no": PAY_NO,
            "total_amount": "9.90",
            "trade_no": "2026030122001431021421880567",
            "trade_status": "TRADE_SUCCESS",
            "send_pay_date": "2026-03-01 12:01:04",
            **changes,
        }
        return self.answer({name: content[name] for name in content if name not in without})


@cache
def alipay_peer() -> AlipayPeer:
    """One peer for the whole run: making RSA keys is slow."""
    return AlipayPeer()


def an_alipay_channel(**changes: Any) -> AlipayChannel:
    """The channel of the merchant that `alipay_peer` knows; no gateway answers it."""
    from chalicelib.orders.alipay.channel import AlipayChannel  # loads the SDK: only for who asks

    peer = alipay_peer()
    arguments: dict[str, Any] = {
        "app_id": APP_ID,
        "seller_id": SELLER_ID,
        "app_private_key": peer.app_private_key,
        "alipay_public_key": peer.alipay_public_key,
        "gateway_url": "https://openapi.example/gateway.do",
        "notify_url": "https://pay.example/orders/receivenotify",
        "return_url": "https://pay.example/orders/alipayreturn",
        "clock": FakeClock(),
        **changes,
    }
    return AlipayChannel(**arguments)


def signed_text(
    fields: Mapping[str, str], *, without: tuple[str, ...] = ("sign", "sign_type")
) -> str:
    """What an Alipay signature covers."""
    return "&".join(f"{name}={fields[name]}" for name in sorted(fields) if name not in without)


def private_pem(key: RSAPrivateKey) -> str:
    """A private key as PKCS#8 PEM."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def public_pem(key: RSAPrivateKey) -> str:
    """The public half of a key as PEM."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
