"""What the order service needs of the world; wiring chooses who provides it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from chalicelib.deadline import Deadline
from chalicelib.mq.message import OutboxMessage
from chalicelib.money import Fen
from chalicelib.orders.model import (
    Order,
    OrderId,
    OrderItem,
    OrderStatus,
    PayChannel,
    PayNo,
    PayRecord,
    Refund,
    TradeType,
)
from chalicelib.orders.verdict import CloseAnswer, RefundVerdict, Verdict


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

    def due_checks(self, now: datetime, most: int) -> tuple[PayNo, ...]:
        """Attempts whose ``next_check_at`` has come, the longest due first; may lag behind."""
        ...

    def due_refunds(self, now: datetime, most: int) -> tuple[str, ...]:
        """Numbers of refunds whose ``next_try_at`` has come, the longest due first; may lag."""
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

    def log_notify(self, entry: NotifyEntry) -> None:
        """Keep the evidence of a notification; of a repeated one the first outcome stays."""
        ...


# What a payer's browser does with an attempt that is open at its platform.


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """Submit this HTML form (Alipay)."""

    action: str
    fields: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Bridge:
    """Call WeChat's ``getBrandWCPayRequest`` with these signed parameters (JSAPI)."""

    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Redirect:
    """Go to this address of the platform (WeChat H5)."""

    url: str


@dataclass(frozen=True, slots=True)
class CodeUrl:
    """Show this text as a QR code, for the platform's own app to scan (WeChat Native)."""

    text: str


Presentation = Form | Bridge | Redirect | CodeUrl


@dataclass(frozen=True, slots=True, kw_only=True)
class Payer:
    """How somebody wants to pay: what an attempt is bound to by its first opening.

    ``openid`` for WX_JSAPI, ``client_ip`` for WX_H5, neither for the others.
    """

    channel: PayChannel
    trade_type: TradeType
    openid: str | None = None
    client_ip: str | None = None

    def opened(self, record: PayRecord) -> bool:
        """Whether ``record`` was opened for just this."""
        return (record.channel, record.trade_type, record.openid, record.client_ip) == (
            self.channel,
            self.trade_type,
            self.openid,
            self.client_ip,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What freezes an attempt at its first opening: who is paid, and the request as text."""

    app_id: str
    merchant_id: str
    request: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundNotice:
    """What a notification tells of one refund; ``amount_fen`` is the refund's own amount."""

    channel_refund_no: str
    amount_fen: Fen
    verdict: RefundVerdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Notify:
    """A notification whose signature and merchant identity hold.

    ``app_id`` is None where the platform does not tell it (WeChat's refund notification).
    """

    pay_no: PayNo
    notify_id: str
    app_id: str | None
    merchant_id: str
    tells: Verdict | RefundNotice


@dataclass(frozen=True, slots=True, kw_only=True)
class Return:
    """What a signed browser return tells: which attempt it is about. Never a verdict."""

    pay_no: PayNo


class PaymentChannel(Protocol):
    """One payment platform.

    Every failure of an SDK becomes an error of ``chalicelib.errors``. A time-out, a broken answer
    or an answer with a wrong signature is unknown, never failed. A call ends with its
    ``deadline``, and is not begun when nothing is left of it.
    """

    def freeze(self, record: PayRecord, payer: Payer, now: datetime) -> Opening:
        """Build the request of an attempt; no network."""
        ...

    def start(self, record: PayRecord, deadline: Deadline) -> str | None:
        """Send the frozen request; what the platform gave for it (``PayRecord.prepay``).

        None, without any call, where the payer's browser carries the request (Alipay). The same
        record sends the same bytes, so repeating is safe.

        Raises
        ------
        ChannelUnavailable
            There is no answer that can be trusted; the trade may exist.
        ChannelRefused
            The platform said no.
        """
        ...

    def is_fresh(self, record: PayRecord, now: datetime) -> bool:
        """Whether ``present`` can use what the platform gave; else ``start`` must be repeated."""
        ...

    def present(self, record: PayRecord, now: datetime) -> Presentation:
        """What the payer's browser does with a started attempt; no network."""
        ...

    def query(self, record: PayRecord, deadline: Deadline) -> Verdict:
        """Ask the platform how a payment stands.

        Raises
        ------
        ChannelUnavailable
            There is no answer that can be trusted.
        ChannelRefused
            The platform refused the question.
        """
        ...

    def close(self, record: PayRecord, deadline: Deadline) -> CloseAnswer:
        """Ask the platform to take no money for an attempt any more.

        Raises
        ------
        ChannelUnavailable
            There is no answer that can be trusted: it may be closed or not.
        """
        ...

    def refund(self, record: PayRecord, refund: Refund, deadline: Deadline) -> RefundVerdict:
        """Ask the platform to pay back. Idempotent by ``channel_refund_no``.

        Never raises `ChannelError`: a time-out or a broken answer is `RefundUnknown`.
        """
        ...

    def query_refund(self, record: PayRecord, refund: Refund, deadline: Deadline) -> RefundVerdict:
        """Ask how a refund stands; as `refund`, but it asks for nothing."""
        ...

    def parse_notify(self, headers: Mapping[str, str], raw_body: bytes) -> Notify:
        """Verify, then read, a notification.

        Raises
        ------
        NotifyRejected
            Not verified, stale, or for another app or merchant.
        NotifyUnusable
            Verified and ours, but a required field is missing or unreadable.
        """
        ...

    def download_bill(self, day: date, deadline: Deadline) -> bytes:
        """The platform's bill of all trades and refunds of a Beijing day, as it comes.

        Raises
        ------
        ChannelUnavailable
            There is no bill that can be trusted.
        ChannelRefused
            There is none for that day (yet).
        """
        ...


Channels = Mapping[PayChannel, Callable[[], PaymentChannel]]
"""The platforms that are served; each is made when it is first needed."""

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


class BrowserReturns(Protocol):
    """A platform that signs where it sends a payer's browser back (Alipay)."""

    def parse_return(self, query: Mapping[str, str]) -> Return:
        """Verify the query of a browser return.

        Raises
        ------
        NotifyRejected
            Not verified, or for another app or merchant.
        """
        ...
