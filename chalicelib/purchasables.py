"""Where the order service and the services that sell through it meet.

The order service asks a seller what may be bought (``Purchasables``); a seller asks the order
service how far a purchase is (``Purchases``). Neither imports the other: ``chalicelib.wiring``
joins them, and results travel as messages (``chalicelib.mq.message``).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from chalicelib.money import Fen


class OrderType(StrEnum):
    """What kind of goods an order is for; ``businessKey2`` of its message."""

    COURSE = "60201"
    STUDY_MATERIAL = "60202"


class SaleStatus(StrEnum):
    """What a seller says of one thing that somebody wants to buy."""

    AWAITING_PAYMENT = "awaiting payment"
    GRANTED = "granted"
    TAKEN_BACK = "taken back"
    """Refunded, and for good: whatever is paid for it again opens nothing."""
    NOT_FOR_SALE = "not for sale"

    @property
    def is_refused(self) -> bool:
        """Whether nothing may be paid for it, and nothing of it is granted."""
        return self in (SaleStatus.NOT_FOR_SALE, SaleStatus.TAKEN_BACK)


@dataclass(frozen=True, slots=True)
class Purchasable:
    """What a seller's record offers, as the catalogue says now.

    ``valid_days`` is None for goods that are bought for ever.
    """

    out_business_id: str
    order_type: OrderType
    owner_id: str
    goods_id: str
    title: str
    price_fen: Fen
    valid_days: int | None
    status: SaleStatus


class Purchasables(Protocol):
    """A seller, as the order service sees it."""

    def get(self, out_business_id: str, order_type: OrderType) -> Purchasable | None:
        """The record and today's price by a consistent read; None when there is no such record."""
        ...


class PurchaseState(StrEnum):
    """How far the order for one ``out_business_id`` is."""

    NOT_PAID = "not paid"
    PAID = "paid"


class Purchases(Protocol):
    """The order service, as a seller sees it."""

    def state_of(self, out_business_id: str) -> PurchaseState:
        """By a consistent read: PAID from the transaction that settled the payment."""
        ...
