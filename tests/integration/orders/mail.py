"""Notifications between the platforms and our door: taken, kept, delivered, repeated, forged."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlencode

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from chalicelib.clock import to_beijing_text, to_rfc3339
from chalicelib.money import Fen, fen_to_yuan_text, yuan_text_to_fen
from chalicelib.orders.model import PayChannel, PayNo, PayRecord
from infra.local.alipay.signature import sign as sign_alipay
from infra.local.alipay.signature import text_of_notify
from infra.local.wechat import envelope
from tests import wechat_peer as wechat_account
from tests.builders import APP_ID, SELLER_ID
from tests.integration.orders.platforms import OPENIDS, Platforms


@dataclass(frozen=True, slots=True)
class Mail:
    """One attempt of a notification, as the platform wrote it at ``taken_at``.

    ``back_fen`` is all that it says went back (Alipay).
    """

    channel: PayChannel
    pay_no: PayNo
    headers: dict[str, str]
    body: bytes
    taken_at: datetime
    back_fen: int = 0
    answered: Callable[[bool], None] = field(default=lambda _: None, compare=False, repr=False)

    def is_fresh(self, now: datetime) -> bool:
        """Whether nobody may turn it away for its age."""
        return now - self.taken_at < timedelta(minutes=4)


class PostOffice:
    """What the platforms have sent and nobody has delivered yet."""

    def __init__(self, platforms: Platforms) -> None:
        self._platforms = platforms
        self.waiting: list[Mail] = []

    def collect(self) -> list[Mail]:
        """Everything that is due, behind what waits already."""
        now = self._platforms.clock.now()
        self.waiting += [
            Mail(
                PayChannel.ALIPAY,
                PayNo(letter.out_trade_no),
                {},
                urlencode(letter.fields).encode(),
                now,
                yuan_text_to_fen(letter.fields.get("refund_fee", "0")),
                lambda is_taken, letter=letter: letter.answered(
                    200, "success" if is_taken else "fail"
                ),
            )
            for letter in self._platforms.alipay.due_notifications()
        ]
        self.waiting += [
            Mail(
                PayChannel.WECHAT,
                PayNo(letter.out_trade_no),
                letter.headers,
                letter.body,
                now,
                answered=lambda is_taken, letter=letter: letter.answered(204 if is_taken else 500),
            )
            for letter in self._platforms.wechat.due_notifications()
        ]
        return self.waiting


class Forger:
    """Writes notifications that no platform has sent; every one of them must be turned away."""

    def __init__(self, platforms: Platforms) -> None:
        self._platforms = platforms

    def paid(self, record: PayRecord, how: str) -> Mail:
        """ "It is paid", signed by a stranger, or by the platform for another app."""
        if record.channel is PayChannel.ALIPAY:
            return self._of_alipay(record, how)
        return self._of_wechat(record, how)

    @staticmethod
    def changed(mail: Mail) -> Mail:
        """A genuine one with another amount in it."""
        if mail.channel is PayChannel.ALIPAY:
            fields = dict(parse_qsl(mail.body.decode(), keep_blank_values=True))
            other = fen_to_yuan_text(Fen(yuan_text_to_fen(fields["total_amount"]) + 1))
            return replace(mail, body=urlencode(fields | {"total_amount": other}).encode())
        content = json.loads(mail.body)
        content["create_time"] = "2026-03-02T12:00:00+08:00"
        return replace(mail, body=json.dumps(content).encode())

    def _of_alipay(self, record: PayRecord, how: str) -> Mail:
        moment = self._platforms.clock.now()
        now = to_beijing_text(moment)
        fields = {
            "notify_id": f"forged-{record.pay_no}",
            "notify_type": "trade_status_sync",
            "notify_time": now,
            "charset": "utf-8",
            "version": "1.0",
            "sign_type": "RSA2",
            "app_id": "2021000000000666" if how == "other app" else APP_ID,
            "seller_id": "2088000000000666" if how == "other merchant" else SELLER_ID,
            "trade_no": f"2026030122001{record.pay_no[-15:]}",
            "out_trade_no": record.pay_no,
            "trade_status": "TRADE_SUCCESS",
            "total_amount": fen_to_yuan_text(record.amount_fen),
            "gmt_create": now,
            "gmt_payment": now,
        }
        key = strangers_key() if how == "stranger" else self._platforms.alipay.keys.platform
        signed = fields | {"sign": sign_alipay(text_of_notify(fields), key)}
        return Mail(PayChannel.ALIPAY, record.pay_no, {}, urlencode(signed).encode(), moment)

    def _of_wechat(self, record: PayRecord, how: str) -> Mail:
        resource: dict[str, Any] = {
            "appid": "wx0000000000000666" if how == "other app" else wechat_account.APP_ID,
            "mchid": "1900000666" if how == "other merchant" else wechat_account.MCH_ID,
            "out_trade_no": record.pay_no,
            "transaction_id": f"4200000666{record.pay_no}",
            "trade_type": "JSAPI",
            "trade_state": "SUCCESS",
            "success_time": to_rfc3339(self._platforms.clock.now()),
            "payer": {"openid": OPENIDS[0]},
            "amount": {"total": record.amount_fen, "currency": "CNY"},
        }
        letter = self._platforms.wechat.by_hand.letter("TRANSACTION.SUCCESS", resource)
        keys = self._platforms.wechat.keys
        if how == "stranger":
            keys = replace(keys, platform=strangers_key())
        body = envelope.body_of(letter, keys)
        now = self._platforms.clock.now()
        headers = envelope.signed_headers(body, keys, now)
        return Mail(PayChannel.WECHAT, record.pay_no, headers, body, now)


@cache
def strangers_key() -> RSAPrivateKey:
    """A key that nobody trusts."""
    return generate_private_key(public_exponent=65537, key_size=2048)
