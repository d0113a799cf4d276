"""From the outbox to the exchanges, by time: what the stream could not deliver.

::

    due ── claim ── publish ─┬─ confirmed ─────────► deleted
     ▲   (due again soon)    ├─ nacked, returned ──► refused: due again later, at last dead
     │                       └─ no answer ─────────► nothing is counted
     └─ the claim's own pause ◄──────┘

Each run takes what is due, the longest due first. A claim moves the row's next attempt on, so that
two runs at once share the rows, and a run that is killed leaves them due again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice

from chalicelib.clock import Clock
from chalicelib.deadline import Deadline
from chalicelib.mq.message import OutboxMessage
from chalicelib.mq.pause import Pause, permission
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
        Rows that one run claims.
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
        pause: Pause,
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
        self._tell_standing()
        sweep = _Sweep(self._limits.most)
        due = self._candidates(sweep, deadline)
        while batch := list(islice(due, min(_ROWS_A_BATCH, sweep.left))):
            seconds = self._limits.publish_deadline_seconds
            until = permission(self._pause, min(seconds, _usable_seconds(deadline)))
            if until is None:
                count("RelayPaused", len(batch))
                logger.info("publishing is paused", rows=len(batch))
                break
            self._send(self._claimed(batch, until, sweep), until, sweep)
        return Swept(sweep.claimed, sweep.confirmed, sweep.died)

    def _tell_standing(self) -> None:
        standing, now = self._rows.standing(), self._clock.now()
        age = now - standing.oldest_at if standing.oldest_at is not None else timedelta()
        gauge("OutboxOldestSeconds", max(0.0, age.total_seconds()))
        gauge("OutboxDeadRows", standing.dead)

    def _candidates(self, sweep: _Sweep, deadline: Deadline) -> Iterator[DueRow]:
        for row in self._rows.due(self._clock.now()):
            if _usable_seconds(deadline) < _LEAST_SECONDS:
                return
            if row.exchange not in sweep.left_alone:
                yield row

    def _claimed(self, batch: Sequence[DueRow], until: Deadline, sweep: _Sweep) -> list[Claimed]:
        """The rows of a batch that are ours; in half the time, so that some is left to publish."""
        claimed: list[Claimed] = []
        half = until.remaining_seconds() / 2
        for row in batch:
            if until.remaining_seconds() < half:
                break
            sweep.left -= 1
            got = self._rows.claim(row, self._clock.now() + self._limits.retry_after[0])
            if got is None:
                continue
            sweep.claimed += 1
            wrong = self._what_is_wrong(got)
            if isinstance(got, Malformed) or wrong:
                self._bury(got.claim, f"malformed: {wrong}", sweep)
            else:
                claimed.append(got)
        return claimed

    def _what_is_wrong(self, got: Claimed | Malformed) -> str:
        if isinstance(got, Malformed):
            return got.reason
        # Publishing to an exchange that does not exist closes the channel for all the others.
        exchange = got.message.exchange
        return "" if exchange in self._exchanges else f"unknown exchange {exchange!r}"

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
        self._rows.refused(claim, answer, next_at=self._clock.now() + wait)

    def _bury(self, claim: Claim, answer: str, sweep: _Sweep) -> None:
        """Nobody sends it any more, until an operator replays it."""
        self._rows.refused(claim, answer, next_at=self._clock.now(), dead=True)
        sweep.died += 1
        count("OutboxDead")
        logger.error("an outbox row is dead", event_key=claim.event_key, answer=answer)


class _Sweep:
    """How far a run is."""

    def __init__(self, most: int) -> None:
        self.left = most
        self.left_alone: set[str] = set()
        self.claimed = self.confirmed = self.died = 0


def _usable_seconds(deadline: Deadline) -> float:
    """What a batch may take, so that it can still be deleted."""
    return deadline.remaining_seconds() - _SECONDS_TO_END
