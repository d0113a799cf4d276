"""Orders, pay records, refunds: what they are, in the words and codes of the platform."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

from chalicelib.money import NO_MONEY, Fen
from chalicelib.purchasables import OrderType

OrderId = NewType("OrderId", str)
"""Decimal text of a 63-bit order number."""

PayNo = NewType("PayNo", str)
"""Decimal text of a 63-bit number: one payment attempt, and its ``out_trade_no``."""

_PAY_NO = re.compile(r"[0-9]{1,19}", re.ASCII)


class OrderStatus(StrEnum):
    """The state of an order (订单交易状态)."""

    UNPAID = "600001"
    PAID = "600002"
    CLOSED = "600003"
    REFUNDED = "600004"
    COMPLETED = "600005"  # read in filters, never written


class PayStatus(StrEnum):
    """The state of one attempt (支付记录状态)."""

    UNPAID = "601001"
    PAID = "601002"
    REFUNDED = "601003"
    CLOSED = "601004"


class PayChannel(StrEnum):
    """A payment platform (第三方支付渠道)."""

    WECHAT = "603001"
    ALIPAY = "603002"


class TradeType(StrEnum):
    """The product of a platform that an attempt uses."""

    ALI_WAP = "ALI_WAP"
    WX_JSAPI = "WX_JSAPI"
    WX_H5 = "WX_H5"
    WX_NATIVE = "WX_NATIVE"


class Phase(StrEnum):
    """How far the live attempt of an order is at its platform."""

    NONE = "none"
    OPENING = "opening"
    OPEN = "open"
    CLOSING = "closing"


class RefundStatus(StrEnum):
    """The state of money that must go back."""

    OWED = "owed"
    SENT = "sent"
    DONE = "done"
    MANUAL = "manual"


class SurplusReason(StrEnum):
    """Why a verified payment buys nothing and goes back."""

    WRONG_AMOUNT = "wrong_amount"
    SECOND_PAYMENT = "second_payment"
    TOO_LATE = "too_late"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One purchase. At most one order per ``out_business_id`` is unpaid or paid (order guard).

    ``live_pay_no`` names the one attempt that is offered, ``phase`` how far it is. ``claim_token``
    and ``claim_deadline`` are for a claim before a platform is called to start or close it;
    Alipay's form needs no such call, so nothing sets them yet.
    ``version`` counts the stored writes: 0 for an order that is not stored yet.
    """

    order_id: OrderId
    user_id: str
    out_business_id: str
    order_type: OrderType
    status: OrderStatus
    total_fen: Fen
    title: str
    created_at: datetime
    expires_at: datetime
    live_pay_no: PayNo
    phase: Phase = Phase.NONE
    claim_token: str | None = None
    claim_deadline: datetime | None = None
    paid_by_pay_no: PayNo | None = None
    paid_at: datetime | None = None
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderItem:
    """The goods of an order; title, price and validity are frozen when the order is made."""

    order_id: OrderId
    goods_id: str
    goods_type: OrderType
    title: str
    price_fen: Fen
    valid_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PayRecord:
    """One payment attempt (支付记录).

    Channel, trade type, app, merchant and ``request`` are fixed by its first opening; the same
    tuple repeats the byte-identical ``request``, any other needs a new attempt. A closed attempt
    that can still be paid at its platform is watched until ``still_payable_until``.
    """

    pay_no: PayNo
    order_id: OrderId
    user_id: str
    status: PayStatus
    amount_fen: Fen
    subject: str
    created_at: datetime
    expires_at: datetime
    channel: PayChannel | None = None
    trade_type: TradeType | None = None
    app_id: str | None = None
    merchant_id: str | None = None
    openid: str | None = None
    request: str | None = None
    opened_at: datetime | None = None
    channel_trade_no: str | None = None
    paid_fen: Fen | None = None
    paid_at: datetime | None = None
    refunded_fen: Fen = NO_MONEY
    reserved_fen: Fen = NO_MONEY
    surplus: SurplusReason | None = None
    still_payable_until: datetime | None = None
    queried_at: datetime | None = None
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """Money on its way back to a payer."""

    out_refund_no: str
    pay_no: PayNo
    order_id: OrderId
    amount_fen: Fen
    reason: str
    status: RefundStatus
    created_at: datetime
    version: int = 0


# What a platform says of one attempt: from a notify or from a query, always verified.


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """Money arrived. ``amount_fen`` is the order amount at the platform, not the payer's share."""

    channel_trade_no: str
    amount_fen: Fen
    paid_at: datetime
    refunded_fen: Fen = NO_MONEY


@dataclass(frozen=True, slots=True)
class ClosedUnpaid:
    """The platform closed the trade, and no money ever arrived."""


@dataclass(frozen=True, slots=True)
class StillOpen:
    """The trade waits for its payer."""


@dataclass(frozen=True, slots=True)
class NotThereYet:
    """The platform knows no such trade: the payer has not opened it yet."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """No verdict: an unknown status, an answer that cannot be trusted, or none."""

    reason: str


Verdict = Paid | ClosedUnpaid | StillOpen | NotThereYet | Unknown


# What settling a verdict did.


@dataclass(frozen=True, slots=True)
class Settled:
    """The payment bought the goods, now."""


@dataclass(frozen=True, slots=True)
class RefundSeen:
    """The platform gave money back that we had stored as paid."""


@dataclass(frozen=True, slots=True)
class AlreadySettled:
    """The payment was stored before; nothing changed."""

    still_owed: bool = False
    """It is a surplus that nobody has paid back yet."""


@dataclass(frozen=True, slots=True)
class Surplus:
    """The payment is stored as paid, buys nothing and is owed back."""

    reason: SurplusReason


@dataclass(frozen=True, slots=True)
class AttemptClosed:
    """The attempt is closed; it may be opened again by a new one."""


@dataclass(frozen=True, slots=True)
class NothingToDo:
    """The verdict changes nothing."""

    reason: str


@dataclass(frozen=True, slots=True)
class Contradiction:
    """The verdict cannot be true beside what is stored; nothing changed, somebody must look."""

    reason: str


Settlement = (
    Settled | AlreadySettled | RefundSeen | Surplus | Contradiction | AttemptClosed | NothingToDo
)


def is_pay_no(text: str) -> bool:
    """Whether ``text`` can be a pay number."""
    return _PAY_NO.fullmatch(text) is not None
