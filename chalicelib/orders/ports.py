"""What the order service needs of the world; wiring chooses who provides it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from chalicelib.deadline import Deadline
from chalicelib.money import Fen
from chalicelib.mq.message import OutboxMessage
from chalicelib.orders.model import (
    Order,
    OrderId,
    OrderItem,
    OrderStatus,
    PayChannel,
    PayNo,
    PayRecord,
    Refund,
)
from chalicelib.orders.verdict import Verdict


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
class QuotaTake:
    """Let one automatic refund of ``amount_fen`` go out on ``day`` (Beijing).

    Holds only while the day's refunds, with this one, are at most ``most_refunds`` and
    ``most_fen``.
    """

    day: date
    amount_fen: Fen
    most_refunds: int
    most_fen: Fen


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
    take_quota: QuotaTake | None = None


@dataclass(frozen=True, slots=True)
class DueCheck:
    """An attempt that somebody shall look at, since ``at``."""

    pay_no: PayNo
    at: datetime


@dataclass(frozen=True, slots=True)
class DueAudit:
    """An order whose goods somebody shall look for, since ``at``."""

    order_id: OrderId
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPage:
    """Some orders of a user, newest first; ``next_token`` is None on the last page."""

    orders: tuple[Order, ...]
    next_token: str | None


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

    def pay_records(self, pay_nos: Collection[PayNo]) -> tuple[PayRecord, ...]:
        """Those attempts that exist, in the order of ``pay_nos``."""
        ...

    def refund(self, out_refund_no: str) -> Refund | None:
        """One refund."""
        ...

    def refunds(self, out_refund_nos: Collection[str]) -> tuple[Refund, ...]:
        """Those refunds that exist, in the order of ``out_refund_nos``."""
        ...

    def orders_of(
        self, user_id: str, *, status: OrderStatus | None, size: int, page_token: str | None
    ) -> OrderPage:
        """At most ``size`` orders of a user, newest first; may lag behind by a moment.

        Raises
        ------
        InvalidRequest
            The token is not one of this user's.
        """
        ...

    def due_checks(self, now: datetime, most: int) -> tuple[DueCheck, ...]:
        """Attempts whose ``next_check_at`` has come, the longest due first; may lag behind."""
        ...

    def due_refunds(self, now: datetime, most: int) -> tuple[str, ...]:
        """Numbers of refunds whose ``next_try_at`` has come, the longest due first; may lag."""
        ...

    def due_audits(self, now: datetime, page: int) -> Iterator[DueAudit]:
        """Orders whose ``next_audit_at`` has come, the longest due first; may lag behind.

        All of them, ``page`` a request, read as they are taken. None comes twice, as long as
        whoever moves one moves it past ``now``. One whose time cannot be read is due at ``now``.

        Raises
        ------
        Unavailable
            The database did not answer for one of the pages.
        """
        ...

    def reschedule_audit(self, order_id: OrderId, was: datetime, to: datetime) -> None:
        """Move ``next_audit_at``, unless somebody else has moved it from ``was`` meanwhile."""
        ...

    def reschedule_check(self, pay_no: PayNo, was: datetime, to: datetime | None) -> None:
        """Move ``next_check_at``, unless somebody else has moved it from ``was`` meanwhile."""
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
        QuotaExhausted
            All else holds, but the day's quota of ``take_quota`` does not. Nothing was written.
        Unavailable
            The database did not answer; the change may have been written, and repeating is safe.
        """
        ...

    def claim_query(self, pay_no: PayNo, now: datetime, not_since: datetime) -> bool:
        """Note that the platform is asked now, unless somebody did after ``not_since``."""
        ...

    def use_once(self, key: str, until: datetime, now: datetime) -> bool:
        """Whether nobody has used ``key`` before; nobody else may use it before ``until``."""
        ...

    def notifies_of(self, pay_no: PayNo) -> tuple[NotifyEntry, ...]:
        """The verified notifications of an attempt, by when they first came."""
        ...

    def log_notify(self, entry: NotifyEntry) -> None:
        """Keep the evidence of a notification; of a repeated one the first outcome stays."""
        ...


Report = Callable[[str], None]
"""Counts one event under its metric name; alarms hang on these."""


class AsksPlatforms(Protocol):
    """`chalicelib.orders.results.PaymentResults.ask`."""

    def ask(self, record: PayRecord, deadline: Deadline) -> Verdict:
        """Query the platform about an opened attempt and settle what it says.

        Raises
        ------
        ChannelError
            There is no answer that can be trusted; nothing changed.
        """
        ...
