"""The outbox table in memory, and the switch of publishing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from chalicelib.clock import to_millis
from chalicelib.mq.message import OutboxMessage
from chalicelib.mq.pause import SwitchState, Turn
from chalicelib.mq.waiting import Claim, Claimed, DueRow, Malformed, Standing, StoredRow


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A row. ``message`` is None for one that cannot be a message."""

    message: OutboxMessage | None
    next_attempt_at: datetime | None
    is_dead: bool = False
    refusals: int = 0
    last_answer: str | None = None
    claim_id: str | None = None


class FakeOutbox:
    """Implements the ports of the relay, the sweeper and the operators on one table.

    Set ``error`` to make it fail.
    """

    def __init__(
        self, messages: Iterable[OutboxMessage] = (), stream_owns: timedelta = timedelta(minutes=1)
    ) -> None:
        self.table: dict[str, Stored] = {}
        self.asked: list[frozenset[str]] = []
        self.error: Exception | None = None
        self._claims = 0
        for message in messages:
            self.put(message, stream_owns)

    @property
    def rows_left(self) -> set[str]:
        return set(self.table)

    def put(self, message: OutboxMessage, stream_owns: timedelta = timedelta(minutes=1)) -> None:
        self.table[message.event_key] = Stored(
            message=message, next_attempt_at=message.created_at + stream_owns
        )

    def put_malformed(self, event_key: str, next_attempt_at: datetime) -> None:
        self.table[event_key] = Stored(message=None, next_attempt_at=next_attempt_at)

    def put_by_an_earlier_version(self, message: OutboxMessage) -> None:
        self.table[message.event_key] = Stored(message=message, next_attempt_at=None)

    def existing(self, event_keys: Collection[str]) -> frozenset[str]:
        self.asked.append(frozenset(event_keys))
        return frozenset(event_keys) & frozenset(self.table)

    def delete(self, event_keys: Iterable[str]) -> None:
        if self.error is not None:
            raise self.error
        for event_key in event_keys:
            self.table.pop(event_key, None)

    def due(self, now: datetime) -> Iterator[DueRow]:
        found = [
            DueRow(key, to_millis(row.next_attempt_at), row.message and row.message.exchange)
            for key, row in self.table.items()
            if row.next_attempt_at is not None and not row.is_dead and row.next_attempt_at <= now
        ]
        yield from sorted(found, key=lambda row: row.next_attempt_at_ms)

    def claim(self, row: DueRow, until: datetime) -> Claimed | Malformed | None:
        stored = self.table.get(row.event_key)
        if stored is None or stored.is_dead or stored.next_attempt_at is None:
            return None
        if to_millis(stored.next_attempt_at) != row.next_attempt_at_ms:
            return None
        self._claims += 1
        claim = Claim(row.event_key, str(self._claims), stored.refusals)
        self.table[row.event_key] = replace(
            stored, next_attempt_at=_stored_moment(until), claim_id=claim.claim_id
        )
        if stored.message is None:
            return Malformed(claim, "it has no body")
        return Claimed(claim, stored.message)

    def refused(self, claim: Claim, answer: str, *, next_at: datetime, dead: bool = False) -> None:
        stored = self.table.get(claim.event_key)
        if stored is None or stored.claim_id != claim.claim_id:
            return
        self.table[claim.event_key] = replace(
            stored,
            next_attempt_at=_stored_moment(next_at),
            is_dead=dead,
            refusals=claim.refusals + 1,
            last_answer=answer,
        )

    def standing(self) -> Standing:
        waiting = [
            row.message.created_at
            for row in self.table.values()
            if row.message and row.next_attempt_at is not None and not row.is_dead
        ]
        dead = sum(row.is_dead for row in self.table.values())
        return Standing(oldest_at=min(waiting, default=None), dead=dead)

    def rows(self) -> Iterator[StoredRow]:
        for event_key, row in self.table.items():
            message = row.message
            yield StoredRow(
                event_key=event_key,
                message_id=message and message.message_id,
                exchange=message and message.exchange,
                created_at=message and message.created_at,
                next_attempt_at=row.next_attempt_at,
                is_dead=row.is_dead,
                refusals=row.refusals,
                last_answer=row.last_answer,
            )

    def replay(self, event_key: str, now: datetime) -> bool:
        stored = self.table.get(event_key)
        if stored is None:
            return False
        self.table[event_key] = replace(
            stored,
            next_attempt_at=_stored_moment(now),
            is_dead=False,
            refusals=0,
            claim_id=None,
        )
        return True


class FakeSwitch:
    """Implements `chalicelib.mq.pause.Switch`; set ``error`` to make it unreadable."""

    def __init__(self) -> None:
        self.now = SwitchState(is_paused=False, last_pause=None, last_resumption=None)
        self.error: Exception | None = None
        self.asked = 0

    def is_paused(self) -> bool:
        self.asked += 1
        if self.error is not None:
            raise self.error
        return self.now.is_paused

    def state(self) -> SwitchState:
        return self.now

    def pause(self, turn: Turn) -> None:
        self.now = replace(self.now, is_paused=True, last_pause=turn)

    def resume(self, turn: Turn) -> None:
        self.now = replace(self.now, is_paused=False, last_resumption=turn)


def _stored_moment(moment: datetime) -> datetime:
    """The table keeps milliseconds."""
    return datetime.fromtimestamp(to_millis(moment) / 1000, UTC)
