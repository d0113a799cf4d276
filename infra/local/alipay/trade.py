"""What the platform keeps of a payment: the offer, the trade it became, and its refunds.

All of it is frozen: a change is a new value.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from chalicelib.money import Fen, yuan_text_to_fen

DEFAULT_LIFETIME = timedelta(days=15)


class TradeStatus(StrEnum):
    """The state of a trade (交易状态)."""

    WAIT_BUYER_PAY = "WAIT_BUYER_PAY"
    TRADE_SUCCESS = "TRADE_SUCCESS"
    TRADE_FINISHED = "TRADE_FINISHED"
    TRADE_CLOSED = "TRADE_CLOSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One signed ``wap.pay`` request. ``total_amount`` is yuan with two decimals."""

    out_trade_no: str
    total_amount: str
    subject: str
    body: str | None
    passback_params: str | None
    time_expire: datetime | None
    quit_url: str
    notify_url: str
    return_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """Money that went back, once.

    ``out_request_no`` is how a query finds it, ``out_biz_no`` how a notification names it.
    """

    out_request_no: str
    out_biz_no: str
    amount: Fen
    gmt_refund: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """An offer that a payer took up."""

    offer: Offer
    trade_no: str
    status: TradeStatus
    gmt_create: datetime
    gmt_payment: datetime | None = None
    gmt_close: datetime | None = None
    refunds: tuple[Refund, ...] = ()

    @property
    def expires_at(self) -> datetime:
        """When nobody may begin to pay any more."""
        return self.offer.time_expire or self.gmt_create + DEFAULT_LIFETIME

    @property
    def total(self) -> Fen:
        """What the payer pays, in fen."""
        return yuan_text_to_fen(self.offer.total_amount)

    @property
    def refund_fee(self) -> Fen:
        """What went back in all, in fen."""
        return Fen(sum(refund.amount for refund in self.refunds))

    @property
    def is_all_back(self) -> bool:
        """Whether the whole payment was refunded."""
        return self.refund_fee == self.total
