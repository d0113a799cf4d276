"""What a message about goods led to, whatever the goods are."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Granted:
    """The goods are the buyer's, now."""


@dataclass(frozen=True, slots=True)
class AlreadyGranted:
    """The record was granted before, and maybe refunded since; nothing changed."""


@dataclass(frozen=True, slots=True)
class RefundedBefore:
    """The refund was heard first: the payment is noted beside it, and opens nothing."""


@dataclass(frozen=True, slots=True)
class NotGrantable:
    """The message names nothing that can be granted; repeating it does not help."""

    reason: str


GrantOutcome = Granted | AlreadyGranted | RefundedBefore | NotGrantable


@dataclass(frozen=True, slots=True)
class Revoked:
    """What the record opened is closed, now; or its payment will open nothing."""


@dataclass(frozen=True, slots=True)
class AlreadyRevoked:
    """The record was refunded before; nothing changed."""


@dataclass(frozen=True, slots=True)
class NotRevocable:
    """The message names nothing that can be revoked; repeating it does not help."""

    reason: str


RevokeOutcome = Revoked | AlreadyRevoked | NotRevocable
