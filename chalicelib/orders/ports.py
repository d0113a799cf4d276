"""What the order service needs of the world; wiring chooses who provides it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from chalicelib.deadline import Deadline
from chalicelib.mq.message import OutboxMessage
from chalicelib.orders.model import (
    Order,
    OrderId,
    OrderItem,
    PayChannel,
    PayNo,
    PayRecord,
    Refund,
    TradeType,
    Verdict,
)


class Numbers(Protocol):
    """Mints order, pay and choose-course numbers."""

    def next_number(self) -> str:
        """A number that no other container mints, as decimal text of at most 19 digits.

        Raises
        ------
        Unavailable
            No worker id can be leased now.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardTake:
    """Make ``order_id`` the one unpaid or paid order of a business id.

    Holds only when no order has the guard, or ``replacing`` has it.
    """

    out_business_id: str
    order_id: OrderId
    replacing: OrderId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What becomes true together, in one transaction.

    Orders, pay records and refunds carry the version that was read: the write holds only while
    the stored version is still that one (0: not stored yet), and stores it plus one. Items and
    messages are new ones. Repeating a Change whose answer was lost is safe.
    """

    write_id: str
    orders: tuple[Order, ...] = ()
    pay_records: tuple[PayRecord, ...] = ()
    items: tuple[OrderItem, ...] = ()
    refunds: tuple[Refund, ...] = ()
    messages: tuple[OutboxMessage, ...] = ()
    take_guard: GuardTake | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyEntry:
    """One notification as it came, and what became of it. Never part of a decision."""

    pay_no: PayNo | None
    """The attempt that it is about; None when there is none, or nobody verified that it is so."""
    verified: bool
    """Verified entries are kept for good, others for a while."""
    notify_id: str
    channel: PayChannel
    received_at: datetime
    outcome: str
    body: str


class OrderStore(Protocol):
    """Keeps orders, items, pay records, refunds and the order guard. Reads are consistent."""

    def order(self, order_id: OrderId) -> Order | None:
        """One order."""
        ...

    def items(self, order_id: OrderId) -> tuple[OrderItem, ...]:
        """The goods of an order."""
        ...

    def pay_record(self, pay_no: PayNo) -> PayRecord | None:
        """One attempt."""
        ...

    def refund(self, out_refund_no: str) -> Refund | None:
        """One refund."""
        ...

    def guarded_order_id(self, out_business_id: str) -> OrderId | None:
        """The newest order of a business id: the only one that may be unpaid or paid."""
        ...

    def commit(self, change: Change) -> None:
        """Write a change.

        Raises
        ------
        StaleWrite
            A version moved on, the guard names another order, or the message is already there:
            read again and decide again. Nothing was written.
        Unavailable
            The database did not answer; the change may have been written, and repeating is safe.
        """
        ...

    def claim_query(self, pay_no: PayNo, now: datetime, not_since: datetime) -> bool:
        """Note that the platform is asked now, unless somebody did after ``not_since``."""
        ...

    def log_notify(self, entry: NotifyEntry) -> None:
        """Keep the evidence of a notification; of a repeated one the first outcome stays."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """An HTML form that the payer's browser must submit."""

    action: str
    fields: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What freezes an attempt at its first opening: who is paid, and the request as text."""

    trade_type: TradeType
    app_id: str
    merchant_id: str
    request: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notify:
    """A notification whose signature and merchant identity hold."""

    pay_no: PayNo
    notify_id: str
    app_id: str
    merchant_id: str
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Return:
    """What a signed browser return tells: which attempt it is about. Never a verdict."""

    pay_no: PayNo


class PaymentChannel(Protocol):
    """One payment platform.

    Every failure of an SDK becomes an error of ``chalicelib.errors``. A time-out, a broken answer
    or an answer with a wrong signature is unknown, never failed.
    """

    def freeze(self, record: PayRecord, now: datetime) -> Opening:
        """Build the signed request of an attempt; no network."""
        ...

    def present(self, record: PayRecord) -> Form:
        """What the payer's browser submits for a frozen attempt: the same each time."""
        ...

    def query(self, record: PayRecord, deadline: Deadline) -> Verdict:
        """Ask the platform.

        Raises
        ------
        ChannelUnavailable
            There is no answer that can be trusted.
        ChannelRefused
            The platform refused the question.
        """
        ...

    def parse_notify(self, headers: Mapping[str, str], raw_body: bytes) -> Notify:
        """Verify, then read, a notification.

        Raises
        ------
        NotifyRejected
            Not verified, or for another app or merchant.
        NotifyUnusable
            Verified and ours, but a required field is missing or unreadable.
        """
        ...

    def parse_return(self, query: Mapping[str, str]) -> Return:
        """Verify the query of a browser return.

        Raises
        ------
        NotifyRejected
            Not verified, or for another app or merchant.
        """
        ...
