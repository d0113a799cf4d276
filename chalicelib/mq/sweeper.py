"""From the outbox to the exchanges, by time: what the stream could not deliver.

::

    due ── claim ── publish ─┬─ confirmed ─────────► deleted
     ▲   (due again soon)    ├─ nacked, returned ──► refused: due again later, at last dead
     │                       └─ no answer ─────────► nothing is counted
     └─ the claim's own pause ◄──────┘

Each run takes what is due, the longest due first, until nothing is or its time is over. A claim
moves the row's next attempt on, so that two runs at once share the rows, and a run that is killed
leaves them due again. A row that this code cannot send, or cannot even claim, holds up no other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, islice

from chalicelib.clock import Clock
from chalicelib.deadline import Deadline
from chalicelib.errors import StoreRefused, Unavailable
from chalicelib.mq.message import OutboxMessage
from chalicelib.mq.pause import PublishingPause, permission
from chalicelib.mq.ports import Publisher, PublishResult
from chalicelib.mq.sending import Sending
from chalicelib.mq.topology import Topology
from chalicelib.mq.waiting import Claim, Claimed, DueRow, Malformed, WaitingRows
from chalicelib.observability import count, gauge, logger

_ROWS_A_BATCH = 100
_SECONDS_TO_END = 2
_LEAST_SECONDS = 3

_REFUSALS = frozenset({PublishResult.NACKED, PublishResult.RETURNED})


@dataclass(frozen=True, slots=True)
class SweepLimits:
    """How much, how long, how often.

    Attributes
    ----------
    most : int
        Rows that one run claims: a guard, far above what it has time for.
    publish_deadline_seconds : float
        For one batch, from its permission on; its exchanges share the time equally.
    retry_after : tuple[timedelta, ...]
        The wait after the first refusal, the second, and so on; the last for all that follow. The
        first is that of a claim as well.
    refusals_until_dead : int
        A row that was refused this often is sent no more.
    """

    most: int
    publish_deadline_seconds: float
    retry_after: tuple[timedelta, ...]
    refusals_until_dead: int


@dataclass(frozen=True, slots=True)
class Swept:
    """What one run did, in rows."""

    claimed: int = 0
    confirmed: int = 0
    died: int = 0


class Sweeper:
    """Sends what waits in the outbox.

    Safe to be killed anywhere, and to run twice at once or beside the relay: a row is deleted only
    after its message is confirmed, and subscribers de-duplicate what is sent twice.
    """

    def __init__(
        self,
        *,
        rows: WaitingRows,
        publisher: Publisher,
        topology: Topology,
        pause: PublishingPause,
        clock: Clock,
        limits: SweepLimits,
    ) -> None:
        self._rows = rows
        self._sending = Sending(rows, publisher)
        self._exchanges = frozenset(topology.exchanges())
        self._pause = pause
        self._clock = clock
        self._limits = limits

    def run(self, deadline: Deadline) -> Swept:
        """Send what is due, until ``deadline``; what it did not get to is due at the next run.

        An exchange that cannot be used, or whose broker leaves a message without an answer, is left
        alone for the rest of the run; the others go on.

        Raises
        ------
        Unavailable
            The table or the switch cannot be read or written. What was claimed comes again.
        """
        sweep = _Sweep(self._limits.most)
        try:
            self._send_due(sweep, deadline)
        finally:
            self._tell_standing()
        return Swept(sweep.claimed, sweep.confirmed, sweep.died)

    def _send_due(self, sweep: _Sweep, deadline: Deadline) -> None:
        due = self._candidates(sweep, deadline)
        while sweep.left > 0 and (first := next(due, None)) is not None:
            batch = chain([first], islice(due, min(_ROWS_A_BATCH, sweep.left) - 1))
            seconds = self._limits.publish_deadline_seconds
            until = permission(self._pause, min(seconds, _usable_seconds(deadline)))
            if until is None:
                rows = sum(1 for _ in batch)
                count("RelayPaused", rows)
                logger.info("publishing is paused", rows=rows)
                return
            self._send(self._claimed(batch, until, sweep), until, sweep)

    def _tell_standing(self) -> None:
        """Nothing is missed when it fails: the next run tells."""
        try:
            standing, now = self._rows.standing(), self._clock.now()
        except (Unavailable, StoreRefused) as error:
            logger.error("how the outbox stands is not known", detail=error.detail)
            return
        age = now - standing.oldest_at if standing.oldest_at is not None else timedelta()
        gauge("OutboxOldestSeconds", max(0.0, age.total_seconds()))
        gauge("OutboxDeadRows", standing.dead)

    def _candidates(self, sweep: _Sweep, deadline: Deadline) -> Iterator[DueRow]:
        for row in self._rows.due(self._clock.now()):
            if _usable_seconds(deadline) < _LEAST_SECONDS:
                return
            if row.exchange not in sweep.left_alone:
                yield row

    def _claimed(self, batch: Iterator[DueRow], until: Deadline, sweep: _Sweep) -> list[Claimed]:
        """The rows of a batch that are ours; in half the time, so that some is left to publish.

        What it had no time for stays in ``batch``, and is the next batch's.
        """
        claimed: list[Claimed] = []
        half = until.remaining_seconds() / 2
        for row in batch:
            sweep.left -= 1
            got = self._claim(row, sweep)
            if got is not None:
                claimed.append(got)
            if until.remaining_seconds() < half:
                break
        return claimed

    def _claim(self, row: DueRow, sweep: _Sweep) -> Claimed | None:
        try:
            got = self._rows.claim(row, self._clock.now() + self._limits.retry_after[0])
        except StoreRefused as error:
            _report_stuck(row.event_key, error)
            return None
        if got is None:
            return None
        sweep.claimed += 1
        if isinstance(got, Malformed):
            self._bury(got.claim, f"malformed: {got.reason}", sweep)
            return None
        exchange = got.message.exchange
        if exchange not in self._exchanges:
            # Publishing there would close the channel for all the others. Newer code may know it,
            # and put the row while ours still runs: so it is not malformed, and waits for it.
            count("OutboxMalformed")
            logger.error("unknown exchange", event_key=row.event_key, exchange=exchange)
            self._count_refusal(got.claim, f"unknown exchange {exchange!r}", sweep)
            return None
        return got

    def _send(self, claimed: Sequence[Claimed], until: Deadline, sweep: _Sweep) -> None:
        by_exchange: dict[str, list[Claimed]] = {}
        for got in claimed:
            by_exchange.setdefault(got.message.exchange, []).append(got)
        seconds = until.remaining_seconds() / max(1, len(by_exchange))
        for exchange, share in by_exchange.items():
            messages: list[OutboxMessage] = [got.message for got in share]
            sent = self._sending.send(messages, Deadline.after(until.cut(seconds)))
            sweep.confirmed += len(sent.deleted)
            if not sent.is_answered:
                sweep.left_alone.add(exchange)
            for got in share:
                result = sent.results.get(got.claim.event_key)
                if result in _REFUSALS:
                    self._count_refusal(got.claim, result.value, sweep)

    def _count_refusal(self, claim: Claim, answer: str, sweep: _Sweep) -> None:
        if claim.refusals + 1 >= self._limits.refusals_until_dead:
            self._bury(claim, answer, sweep)
            return
        waits = self._limits.retry_after
        wait = waits[min(claim.refusals, len(waits) - 1)]
        self._store_refusal(claim, answer, self._clock.now() + wait)

    def _bury(self, claim: Claim, answer: str, sweep: _Sweep) -> None:
        """Nobody sends it any more, until an operator replays it."""
        if not self._store_refusal(claim, answer, self._clock.now(), dead=True):
            return
        sweep.died += 1
        count("OutboxDead")
        logger.error("an outbox row is dead", event_key=claim.event_key, answer=answer)

    def _store_refusal(
        self, claim: Claim, answer: str, next_at: datetime, *, dead: bool = False
    ) -> bool:
        try:
            self._rows.refused(claim, answer, next_at=next_at, dead=dead)
        except StoreRefused as error:
            _report_stuck(claim.event_key, error)
            return False
        return True


class _Sweep:
    """How far a run is."""

    def __init__(self, most: int) -> None:
        self.left = most
        self.left_alone: set[str] = set()
        self.claimed = self.confirmed = self.died = 0


def _usable_seconds(deadline: Deadline) -> float:
    """What a batch may take, so that it can still be deleted."""
    return deadline.remaining_seconds() - _SECONDS_TO_END


def _report_stuck(event_key: str, error: StoreRefused) -> None:
    """The table refuses what we want to write to a row: it stays as it is, and the others go on."""
    count("OutboxMalformed")
    logger.error("an outbox row cannot be written", event_key=event_key, detail=error.detail)
