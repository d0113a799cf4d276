"""From the outbox's stream to the exchanges: publish, wait for confirms, delete what is confirmed.

The stream owns a row for its first minute; after that the row is the sweeper's. Lambda starts a
batch again at the lowest failed sequence number, so records after it come again, whatever became
of them: any record that is not brand-new is published only if its row still exists.
https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from chalicelib.clock import Clock
from chalicelib.deadline import Deadline
from chalicelib.errors import Unavailable
from chalicelib.mq.message import OutboxMessage
from chalicelib.mq.pause import NoSwitch, PublishingPause, permission
from chalicelib.mq.ports import Publisher
from chalicelib.mq.sending import Sending, not_published
from chalicelib.mq.stream import MalformedRecord, NewRow, new_row
from chalicelib.mq.topology import Topology
from chalicelib.observability import count, logger

_LOG_CHARACTERS = 2000

Answer = dict[str, list[dict[str, str]]]
"""``{"batchItemFailures": [{"itemIdentifier": <sequence number>}]}``"""


class OutboxRows(Protocol):
    """The outbox, as far as the relay needs it. Both methods may raise Unavailable."""

    def existing(self, event_keys: Collection[str]) -> frozenset[str]:
        """Which of the rows are still there, by consistent reads."""
        ...

    def delete(self, event_keys: Iterable[str]) -> None:
        """Delete rows; one that is gone already is no error."""
        ...


@dataclass(frozen=True, slots=True)
class RelayLimits:
    """How long things may take. ``stream_owns`` is the mapping's maximum record age, too.

    ``publish_deadline_seconds`` are one batch's, from its permission on; its exchanges share them
    equally.
    """

    publish_deadline_seconds: float = 10
    stream_owns: timedelta = timedelta(seconds=60)
    surely_there: timedelta = timedelta(seconds=5)


class Relay:
    """Publishes what the stream tells of. Repeating a batch is safe: subscribers de-duplicate."""

    def __init__(
        self,
        outbox: OutboxRows,
        publisher: Publisher,
        topology: Topology,
        clock: Clock,
        limits: RelayLimits,
        pause: PublishingPause | None = None,
    ) -> None:
        self._outbox = outbox
        self._sending = Sending(outbox, publisher)
        self._pause = pause or NoSwitch()
        self._exchanges = frozenset(topology.exchanges())
        self._clock = clock
        self._limits = limits

    def publish(self, records: Iterable[Mapping[str, object]]) -> Answer:
        """Bring a batch of one shard to its exchanges, in its order on each.

        What keeps one exchange from being used does not hold back the others.

        Returns
        -------
        Answer
            The lowest sequence number whose row must be tried again, or none. A malformed record
            is counted, logged and never reported, so that it cannot block its shard: the sweeper
            finds its row and buries it. So are rows that come while publishing is paused: the
            sweeper sends them afterwards. When nobody can say whether it is, all are tried again.
        """
        rows = self._due(self._readable(records))
        failed = self._publish_permitted(rows) if rows else frozenset[str]()
        if not failed:
            return {"batchItemFailures": []}
        first = next(row for row in rows if row.message.event_key in failed)
        return {"batchItemFailures": [{"itemIdentifier": first.sequence_number}]}

    def _publish_permitted(self, rows: Sequence[NewRow]) -> frozenset[str]:
        """The event keys of the rows that must be tried again."""
        try:
            until = permission(self._pause, self._limits.publish_deadline_seconds)
        except Unavailable as error:
            not_published(len(rows), error)
            return frozenset(row.message.event_key for row in rows)
        if until is None:
            logger.info("publishing is paused", rows=len(rows))
            count("RelayPaused", len(rows))
            return frozenset()
        by_exchange = _by_exchange(rows)
        seconds = until.remaining_seconds() / len(by_exchange)
        failed: set[str] = set()
        for share in by_exchange.values():
            failed |= self._publish(share, Deadline.after(until.cut(seconds)))
        return frozenset(failed)

    def _readable(self, records: Iterable[Mapping[str, object]]) -> list[NewRow]:
        rows: dict[str, NewRow] = {}
        malformed = 0
        for record in records:
            try:
                row = new_row(record)
                if row is not None:
                    self._check_exchange(row.message)
                    rows.setdefault(row.message.event_key, row)
            except MalformedRecord as error:
                malformed += 1
                logger.error(
                    "malformed outbox record",
                    reason=str(error),
                    record=repr(record)[:_LOG_CHARACTERS],
                )
        if malformed:
            count("OutboxMalformed", malformed)
        return list(rows.values())

    def _check_exchange(self, message: OutboxMessage) -> None:
        # Publishing to an exchange that does not exist closes the channel for all the others.
        if message.exchange not in self._exchanges:
            raise MalformedRecord(f"unknown exchange {message.exchange!r}")

    def _due(self, rows: list[NewRow]) -> list[NewRow]:
        now = self._clock.now()
        ours = [row for row in rows if now - row.put_at <= self._limits.stream_owns]
        if len(ours) < len(rows):
            logger.info("left to the sweeper", rows=len(rows) - len(ours))
            count("OutboxTooOld", len(rows) - len(ours))
        return ours

    def _publish(self, rows: Sequence[NewRow], deadline: Deadline) -> frozenset[str]:
        """The event keys of the rows that must be tried again."""
        try:
            there = self._still_there(rows)
        except Unavailable as error:
            not_published(len(rows), error)
            return frozenset(row.message.event_key for row in rows)
        messages = [row.message for row in rows if row.message.event_key in there]
        if not messages:
            return frozenset()
        sent = self._sending.send(messages, deadline)
        return frozenset(message.event_key for message in messages) - sent.deleted

    def _still_there(self, rows: Sequence[NewRow]) -> frozenset[str]:
        now = self._clock.now()
        fresh, older = set[str](), set[str]()
        for row in rows:
            age = now - row.put_at
            (fresh if age <= self._limits.surely_there else older).add(row.message.event_key)
        return frozenset(fresh | self._outbox.existing(older)) if older else frozenset(fresh)


def _by_exchange(rows: Iterable[NewRow]) -> dict[str, list[NewRow]]:
    found: dict[str, list[NewRow]] = {}
    for row in rows:
        found.setdefault(row.message.exchange, []).append(row)
    return found
