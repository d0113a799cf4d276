"""What a platform says of a payment or a refund, always verified, and what settling it did.

It does not matter whether a platform said it by a notification or when asked: the same words, and
the same way through ``settle`` and ``settle_refund``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chalicelib.money import NO_MONEY, Fen
from chalicelib.orders.model import SurplusReason

# --- of a payment attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """Money arrived. ``amount_fen`` is the order amount at the platform, not the payer's share.

    ``back_fen`` is all that the platform says went back so far. ``has_refunds`` when it says that
    something did, but not how much (WeChat's ``REFUND``, which covers partial ones).
    """

    channel_trade_no: str
    amount_fen: Fen
    paid_at: datetime
    back_fen: Fen = NO_MONEY
    has_refunds: bool = False


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


# --- of closing an attempt at its platform


@dataclass(frozen=True, slots=True)
class ClosedThere:
    """Nobody can pay the attempt any more."""


@dataclass(frozen=True, slots=True)
class NothingToClose:
    """The platform knows no such trade. Its payer may still make one until the attempt's end."""


@dataclass(frozen=True, slots=True)
class CloseRefused:
    """The platform will not close it: paid, or closed before. A query tells which."""

    reason: str


CloseAnswer = ClosedThere | NothingToClose | CloseRefused


# --- of a refund


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundDone:
    """The money is back."""

    amount_fen: Fen
    refunded_at: datetime


@dataclass(frozen=True, slots=True)
class RefundAccepted:
    """The platform has it and will pay it back; the money is on its way."""


@dataclass(frozen=True, slots=True)
class RefundClosed:
    """The platform gave it up; it can be asked for again under a new number."""


@dataclass(frozen=True, slots=True)
class RefundAbnormal:
    """The platform cannot deliver the money (a cancelled card): a person must act."""

    reason: str


@dataclass(frozen=True, slots=True)
class RefundNotThere:
    """The platform knows no such refund: the request never arrived."""


@dataclass(frozen=True, slots=True)
class RefundRefused:
    """A clear no. ``is_final`` when asking again with the same words cannot help."""

    reason: str
    is_final: bool


@dataclass(frozen=True, slots=True)
class RefundUnknown:
    """No verdict; the refund may have been made."""

    reason: str


RefundVerdict = (
    RefundDone
    | RefundAccepted
    | RefundClosed
    | RefundAbnormal
    | RefundNotThere
    | RefundRefused
    | RefundUnknown
)


# --- what settling did


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
    """Some of it is owed back and nobody has paid it yet."""


@dataclass(frozen=True, slots=True)
class Surplus:
    """The payment is stored as paid, buys nothing and is owed back."""

    reason: SurplusReason


@dataclass(frozen=True, slots=True)
class AttemptClosed:
    """The attempt is closed; the order may be offered again by a new one."""


@dataclass(frozen=True, slots=True)
class RefundMoved:
    """A refund row took the state that the platform told."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class NothingToDo:
    """The verdict changes nothing."""

    reason: str


@dataclass(frozen=True, slots=True)
class Contradiction:
    """The verdict cannot be true beside what is stored; nothing changed, somebody must look."""

    reason: str


Settlement = (
    Settled
    | AlreadySettled
    | RefundSeen
    | RefundMoved
    | Surplus
    | Contradiction
    | AttemptClosed
    | NothingToDo
)
