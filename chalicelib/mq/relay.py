"""From the outbox's stream to the exchanges: publish, wait for confirms, delete what is confirmed.

The stream owns a row for its first minute; after that the row waits in the table for whoever
sweeps it. Lambda starts a batch again at the lowest failed sequence number, so records after it
come again, whatever became of them: any record that is not brand-new is published only if its row
still exists.
https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from chalicelib.clock import Clock
from chalicelib.deadline import Deadline
from chalicelib.errors import BrokerError, Unavailable
from chalicelib.mq.message import OutboxMessage
from chalicelib.mq.ports import Publisher, PublishResult
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

    The exchanges of one batch share ``publish_deadline_seconds`` equally.
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
    ) -> None:
        self._outbox = outbox
        self._publisher = publisher
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
            is counted, logged and never reported, so that it cannot block its shard; its row stays
            in the table.
        """
        rows = self._due(self._readable(records))
        by_exchange = _by_exchange(rows)
        failed: set[str] = set()
        for share in by_exchange.values():
            seconds = self._limits.publish_deadline_seconds / len(by_exchange)
            failed |= self._publish(share, seconds)
        if not failed:
            return {"batchItemFailures": []}
        first = next(row for row in rows if row.message.event_key in failed)
        return {"batchItemFailures": [{"itemIdentifier": first.sequence_number}]}

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
            logger.warning("stays in the outbox", rows=len(rows) - len(ours))
            count("OutboxTooOld", len(rows) - len(ours))
        return ours

    def _publish(self, rows: Sequence[NewRow], seconds: float) -> frozenset[str]:
        """The event keys of the rows that must be tried again."""
        keys = frozenset(row.message.event_key for row in rows)
        try:
            there = self._still_there(rows)
            messages = [row.message for row in rows if row.message.event_key in there]
            if not messages:
                return frozenset()
            results = self._publisher.publish(messages, Deadline.after(seconds))
        except (BrokerError, Unavailable) as error:
            logger.error("nothing published", rows=len(rows), detail=error.detail)
            count("OutboxNotPublished", len(rows))
            return keys
        self._report(results)
        confirmed = [k for k, result in results.items() if result is PublishResult.CONFIRMED]
        try:
            self._outbox.delete(confirmed)
        except Unavailable as error:
            logger.error("confirmed, but not deleted", rows=confirmed, detail=error.detail)
            return frozenset(results)
        return frozenset(results) - frozenset(confirmed)

    def _still_there(self, rows: Sequence[NewRow]) -> frozenset[str]:
        now = self._clock.now()
        fresh, older = set[str](), set[str]()
        for row in rows:
            age = now - row.put_at
            (fresh if age <= self._limits.surely_there else older).add(row.message.event_key)
        return frozenset(fresh | self._outbox.existing(older)) if older else frozenset(fresh)

    @staticmethod
    def _report(results: Mapping[str, PublishResult]) -> None:
        for result, number in Counter(results.values()).items():
            count(f"Outbox{result.value.capitalize()}", number)
        failed = {k: r.value for k, r in results.items() if r is not PublishResult.CONFIRMED}
        if failed:
            logger.error("not confirmed", rows=failed)


def _by_exchange(rows: Iterable[NewRow]) -> dict[str, list[NewRow]]:
    found: dict[str, list[NewRow]] = {}
    for row in rows:
        found.setdefault(row.message.exchange, []).append(row)
    return found
