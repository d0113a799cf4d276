"""Orders, pay records, refunds: what they are, in the words and codes of the platform."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
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


class ClosingReason(StrEnum):
    """Why an attempt is being closed at its platform, and with it perhaps its order."""

    SWITCHED = "switched"
    """Another channel, trade type or payer: the order stays open, the attempt is replaced."""
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REPLACED = "replaced"
    """The goods cost something else now: a new order follows."""

    @property
    def closes_the_order(self) -> bool:
        """Whether the order ends with the attempt."""
        return self is not ClosingReason.SWITCHED


class RefundStatus(StrEnum):
    """The state of money that must go back.

    Everything but RELEASED reserves its amount on the pay record. AWAITING_APPROVAL is asked for
    and not owed yet; OWED waits to be sent, SENT may have reached the platform, MANUAL needs a
    person: these three are the refund owed of I1.
    """

    AWAITING_APPROVAL = "awaiting_approval"
    OWED = "owed"
    SENT = "sent"
    DONE = "done"
    MANUAL = "manual"
    RELEASED = "released"
    """Turned down, or paid back by other means: nothing of it is left to send."""


class RefundKind(StrEnum):
    """Who wants the money to go back."""

    AUTOMATIC = "automatic"
    """A payment that buys nothing; decided by settle."""
    ON_DEMAND = "on_demand"
    """Asked for by an operator."""
    EXTERNAL = "external"
    """Made in the platform's merchant portal; we only hear of it."""


class SurplusReason(StrEnum):
    """Why a verified payment buys nothing and goes back."""

    WRONG_AMOUNT = "wrong_amount"
    SECOND_PAYMENT = "second_payment"
    TOO_LATE = "too_late"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One purchase. At most one order per ``out_business_id`` is unpaid or paid (order guard).

    ``pay_nos`` names all attempts, oldest first; ``live_pay_no`` the one that is offered,
    ``phase`` how far it is. While a platform is called to start or close it, ``claim_deadline``
    says until when the others wait; ``closing_because`` what shall follow, and for a closed order
    what followed. ``claim_token`` names the call, for people to read: what keeps an overtaken
    caller from writing is ``version``, which counts the stored writes (0 for an order that is not
    stored yet). ``revoked_by`` is the refund that took the goods back.

    ``next_audit_at`` is when somebody shall look whether the goods have followed the last message
    about them; None: they have, or there was none. ``audits`` counts those that found them missing.
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
    pay_nos: tuple[PayNo, ...]
    phase: Phase = Phase.NONE
    claim_token: str | None = None
    claim_deadline: datetime | None = None
    closing_because: ClosingReason | None = None
    paid_by_pay_no: PayNo | None = None
    paid_at: datetime | None = None
    revoked_by: str | None = None
    next_audit_at: datetime | None = None
    audits: int = 0
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderItem:
    """The goods of an order; title, price and validity are frozen when the order is made."""

    order_id: OrderId
    goods_id: str
    goods_type: OrderType
    title: str
    price_fen: Fen
    valid_days: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PayRecord:
    """One payment attempt (支付记录).

    Channel, trade type, payer (openid, or the IP address of WeChat H5), app, merchant and
    ``request`` are fixed by its first opening; the same tuple repeats the byte-identical
    ``request``, any other needs a new attempt. ``prepay`` is what the platform answered to it.
    A closed attempt that can still be paid at its platform is watched until
    ``still_payable_until``. ``next_check_at`` is when somebody shall look at it next; None: never.

    ``reserved_fen`` is what its refunds may take in all (every row but the released ones),
    ``refunded_fen`` what of it is back, ``told_back_fen`` the most that the platform ever told.
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
    openid: str | None = field(default=None, repr=False)
    client_ip: str | None = field(default=None, repr=False)
    app_id: str | None = None
    merchant_id: str | None = None
    request: str | None = field(default=None, repr=False)
    opened_at: datetime | None = None
    prepay: str | None = field(default=None, repr=False)
    prepay_at: datetime | None = None
    channel_trade_no: str | None = None
    paid_fen: Fen | None = None
    paid_at: datetime | None = None
    surplus: SurplusReason | None = None
    refund_nos: tuple[str, ...] = ()
    reserved_fen: Fen = NO_MONEY
    refunded_fen: Fen = NO_MONEY
    told_back_fen: Fen = NO_MONEY
    refund_sent_at: datetime | None = None
    still_payable_until: datetime | None = None
    next_check_at: datetime | None = None
    queried_at: datetime | None = None
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """Money on its way back to a payer.

    ``out_refund_no`` is ours and never changes. The platform gets ``channel_refund_no``: a refund
    that it closed, or whose amount the merchant portal reduced after it was sent or refused, is
    asked for again under another number, the next ``generation``. ``revoke`` says whether the goods
    go with the money: with the first acceptance, so ``first_accepted_at`` is kept of a refund that
    was accepted and is asked for again. ``requested_by`` and ``approved_by`` are user ids;
    ``amount_asked_fen`` is what was asked for, ``amount_fen`` what is left of it after the
    platform's own refunds.
    """

    out_refund_no: str
    pay_no: PayNo
    order_id: OrderId
    kind: RefundKind
    amount_fen: Fen
    amount_asked_fen: Fen
    reason: str
    revoke: bool
    status: RefundStatus
    created_at: datetime
    requested_by: str | None = None
    approved_by: str | None = None
    generation: int = 1
    tries: int = 0
    next_try_at: datetime | None = None
    sent_at: datetime | None = None
    accepted_at: datetime | None = None
    first_accepted_at: datetime | None = None
    refunded_at: datetime | None = None
    last_answer: str | None = None
    version: int = 0

    @property
    def channel_refund_no(self) -> str:
        """The refund number at the platform: letters, digits and ``_``, at most 64."""
        return (
            self.out_refund_no
            if self.generation == 1
            else f"{self.out_refund_no}_{self.generation}"
        )


def is_pay_no(text: str) -> bool:
    """Whether ``text`` can be a pay number."""
    return _PAY_NO.fullmatch(text) is not None
