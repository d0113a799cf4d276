"""Outbox rows that wait: due, claimed, refused, dead. What the sweeper and operators see of them.

A row is due from the moment when the stream leaves it. Who sends it claims it first, which moves
its next attempt on, so that whatever becomes of the claim the row comes again. Refusals are
counted; a row that was refused too often, or is malformed, is dead: it stays until an operator
replays it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from chalicelib.mq.message import OutboxMessage


@dataclass(frozen=True, slots=True)
class DueRow:
    """A row whose next attempt has come, as the index has it: perhaps of a moment ago.

    ``next_attempt_at_ms`` is rounded down: a strange row may have a fraction. ``exchange`` is None
    when the row has none that can be read.
    """

    event_key: str
    next_attempt_at_ms: int
    exchange: str | None


@dataclass(frozen=True, slots=True)
class Claim:
    """A row that is ours to send until its next attempt comes, and how often it was refused."""

    event_key: str
    claim_id: str
    refusals: int


@dataclass(frozen=True, slots=True)
class Claimed:
    """A claim on a message."""

    claim: Claim
    message: OutboxMessage


@dataclass(frozen=True, slots=True)
class Malformed:
    """A claim on what can never be sent, and why."""

    claim: Claim
    reason: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How the outbox stands. ``oldest_at``: when the oldest row was put, None without rows.

    Among very many rows it is the oldest of those that are due first. Dead rows are apart, and
    counted up to a thousand.
    """

    oldest_at: datetime | None
    dead: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRow:
    """A row as an operator sees it; None where it has nothing that can be read.

    Rows of a version before the sweeper have no ``next_attempt_at`` and are never due.
    """

    event_key: str
    message_id: str | None
    exchange: str | None
    created_at: datetime | None
    next_attempt_at: datetime | None
    is_dead: bool
    refusals: int
    last_answer: str | None


class WaitingRows(Protocol):
    """The outbox, as far as the sweeper needs it. Every method may raise Unavailable.

    So may StoreRefused: of a claim and a refusal it means that this row cannot be written, perhaps
    because it is as large as an item may be. Nothing was changed then.
    """

    def due(self, now: datetime) -> Iterator[DueRow]:
        """The rows that are due at ``now``, the longest due first, read as they are taken."""
        ...

    def claim(self, row: DueRow, until: datetime) -> Claimed | Malformed | None:
        """Take a row, if nobody has since it was seen: it is due again at ``until``.

        Returns
        -------
        Claimed | Malformed | None
            None: it is gone, or somebody else has it.
        """
        ...

    def refused(self, claim: Claim, answer: str, *, next_at: datetime, dead: bool = False) -> None:
        """Count a refusal, if the claim still holds; a dead row is due no more. Idempotent."""
        ...

    def delete(self, event_keys: Iterable[str]) -> None:
        """Delete rows; one that is gone already is no error."""
        ...

    def standing(self) -> Standing:
        """How the outbox stands, by the index."""
        ...


class StoredRows(Protocol):
    """The outbox, as far as operators need it. Both methods may raise Unavailable."""

    def rows(self) -> Iterator[StoredRow]:
        """Every row, by a scan of the whole table: for operators, never in a function."""
        ...

    def replay(self, event_key: str, now: datetime) -> bool:
        """Make a row due now, as if it was never refused; False: there is no such row.

        Idempotent. Rows of an earlier version, which are never due, become so.
        """
        ...
