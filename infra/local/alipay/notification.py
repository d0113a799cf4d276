"""What a notification says: its fields, its signature, and what became of each attempt.

Fields and signature: https://opendocs.alipay.com/open/203/105286. After a refund come
``refund_fee`` (all that went back so far), ``gmt_refund`` (with milliseconds) and ``out_biz_no``
(the number of the last refund): https://blog.csdn.net/qq_42978230/article/details/146307860.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from chalicelib.clock import BEIJING, Clock, to_beijing_text
from chalicelib.money import fen_to_yuan_text
from infra.local.alipay.buyer import TEST_BUYER
from infra.local.alipay.signature import sign, text_of_notify
from infra.local.alipay.trade import Trade


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt: ``status`` is None when there was no HTTP answer, and ``answer`` says why."""

    at: datetime
    status: int | None
    answer: str
    fields: Mapping[str, str]

    @property
    def is_accepted(self) -> bool:
        """Exactly ``success``: no other word, no HTML, no redirect."""
        return self.status == 200 and self.answer == "success"


@dataclass(slots=True)
class Notification:
    """One piece of news, with every attempt to deliver it. ``notify_id`` stays the same."""

    notify_id: str
    out_trade_no: str
    url: str
    fields: dict[str, str]
    deliveries: list[Delivery] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class NotifyWriter:
    """Writes notifications in the platform's name; ``identity`` is in each of them."""

    identity: Mapping[str, str]
    key: RSAPrivateKey
    clock: Clock

    def notification(self, trade: Trade) -> Notification:
        """The news of what ``trade`` has become."""
        return Notification(
            notify_id=_new_notify_id(self.clock.now()),
            out_trade_no=trade.offer.out_trade_no,
            url=trade.offer.notify_url,
            fields={**self.identity, **_trade_fields(trade)},
        )

    def fields(self, notification: Notification) -> dict[str, str]:
        """The body of an attempt that is made now, not signed yet."""
        return {
            "notify_id": notification.notify_id,
            "notify_type": "trade_status_sync",
            "notify_time": to_beijing_text(self.clock.now()),
            "charset": "utf-8",
            "version": "1.0",
            "sign_type": "RSA2",
            **notification.fields,
        }

    def signed(self, fields: Mapping[str, str]) -> dict[str, str]:
        """``fields`` with a good signature, whatever they say."""
        unsigned = {name: value for name, value in fields.items() if name != "sign"}
        return {"sign_type": "RSA2"} | unsigned | {"sign": sign(text_of_notify(unsigned), self.key)}


def _trade_fields(trade: Trade) -> dict[str, str]:
    offer = trade.offer
    paid = offer.total_amount if trade.gmt_payment is not None else "0.00"
    fields = {
        "trade_no": trade.trade_no,
        "out_trade_no": offer.out_trade_no,
        "buyer_id": TEST_BUYER.user_id,
        "buyer_logon_id": TEST_BUYER.shown_logon_id,
        "trade_status": trade.status.value,
        "total_amount": offer.total_amount,
        "receipt_amount": paid,
        "invoice_amount": paid,
        "buyer_pay_amount": paid,
        "point_amount": "0.00",
        "subject": offer.subject,
        "body": offer.body,
        "passback_params": offer.passback_params,
        "gmt_create": to_beijing_text(trade.gmt_create),
    }
    if trade.gmt_payment is not None:
        fields["gmt_payment"] = to_beijing_text(trade.gmt_payment)
        bills = [{"amount": paid, "fundChannel": "ALIPAYACCOUNT"}]
        fields["fund_bill_list"] = json.dumps(bills, separators=(",", ":"))
    if trade.gmt_close is not None:
        fields["gmt_close"] = to_beijing_text(trade.gmt_close)
    told = {name: value for name, value in fields.items() if value is not None}
    return told | _refund_fields(trade)


def _refund_fields(trade: Trade) -> dict[str, str]:
    if not trade.refunds:
        return {}
    last = trade.refunds[-1]
    milliseconds = last.gmt_refund.microsecond // 1000
    return {
        "refund_fee": fen_to_yuan_text(trade.refund_fee),
        "gmt_refund": f"{to_beijing_text(last.gmt_refund)}.{milliseconds:03d}",
        "out_biz_no": last.out_biz_no,
    }


def _new_notify_id(now: datetime) -> str:
    return f"{now.astimezone(BEIJING):%Y%m%d}00222{secrets.randbelow(10**21):021d}"
