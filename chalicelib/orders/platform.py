"""The port of a payment platform: what the order service asks of Alipay and of WeChat Pay."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from chalicelib.deadline import Deadline
from chalicelib.errors import ChannelUnavailable
from chalicelib.money import Fen
from chalicelib.orders.model import PayChannel, PayNo, PayRecord, Refund, TradeType
from chalicelib.orders.verdict import CloseAnswer, RefundVerdict, Verdict

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
    openid: str | None = field(default=None, repr=False)
    client_ip: str | None = field(default=None, repr=False)

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


def platform_of(channels: Channels, record: PayRecord) -> PaymentChannel:
    """The platform at which an attempt was opened.

    Raises
    ------
    ChannelUnavailable
        It was never opened, or its platform is not served any more.
    """
    if record.channel is None or record.channel not in channels:
        raise ChannelUnavailable(detail=f"{record.channel} is not served")
    return channels[record.channel]()
