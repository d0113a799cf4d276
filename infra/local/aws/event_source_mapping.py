"""Lambda's event source mapping for a DynamoDB stream: batches, retries, checkpoints.

What it guarantees, as Lambda does:

- The records of a shard are delivered in order; a shard waits for its parent to be finished.
- The checkpoint of a shard moves only past records whose delivery succeeded or was given up, so a
  crash leads to repeated delivery, never to a loss.
- ``batchItemFailures``: delivery goes on from the lowest failed sequence number, and what lies
  after it comes again. An unknown or blank identifier, an answer of another shape, or an exception
  fails the whole batch. An empty or absent answer is a success.
- A batch that failed is repeated with growing delays, at most ``maximum_retry_attempts`` times;
  then it is skipped. Records older than ``maximum_record_age_seconds`` are skipped, too.

Where the documentation is silent: the attempts are counted for the record that delivery is stuck
at, so they start anew when a partial answer moves the checkpoint. Batches are not bisected and
skipped records have no destination, because this project configures neither.

The shards take turns on one thread. A shard that waits for its next attempt does not hold up the
others; a running invocation does, as if there were one container.

https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from infra.local.aws.checkpoints import Checkpoints
from infra.local.aws.stream_source import RecordSource, Shard, StreamRecord

_log = logging.getLogger(__name__)


Invocation = Callable[[Mapping[str, Any]], Any]
"""Runs the function on an event and gives its answer; an exception is a failed invocation."""


@dataclass(frozen=True, slots=True)
class MappingConfig:
    """The settings of the mapping, named as Lambda names them."""

    batch_size: int = 100
    batching_window_seconds: float = 0
    event_names: frozenset[str] = frozenset({"INSERT"})
    maximum_retry_attempts: int = 3
    maximum_record_age_seconds: float = 60
    first_retry_seconds: float = 0.2
    longest_retry_seconds: float = 5
    discovery_seconds: float = 5


@dataclass(slots=True)
class _Reading:
    """One shard: the batch at hand and how its delivery goes."""

    shard: Shard
    read_to: str | None
    batch: list[StreamRecord] = field(default_factory=list)
    gathering_since: float = 0
    delivering: bool = False
    failures: int = 0
    due_at: float = 0
    closed: bool = False

    @property
    def finished(self) -> bool:
        return self.closed and not self.batch


class EventSourceMapping:
    """Delivers what a source has to a function."""

    def __init__(
        self,
        source: RecordSource,
        invoke: Invocation,
        checkpoints: Checkpoints,
        config: MappingConfig | None = None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._source = source
        self._invoke = invoke
        self._checkpoints = checkpoints
        self._config = config or MappingConfig()
        self._monotonic = monotonic
        self._wall_clock = wall_clock
        self._readings: dict[str, _Reading] = {}
        self._discover_at: float | None = None

    def turn(self) -> int:
        """Give each shard that is due one step; the number of invocations made."""
        self._discover()
        return sum(self._step(reading) for reading in self._readable())

    def _discover(self) -> None:
        now = self._monotonic()
        if self._discover_at is not None and now < self._discover_at:
            return
        shards = self._source.shards()
        self._discover_at = now + self._config.discovery_seconds
        for gone in self._readings.keys() - {shard.shard_id for shard in shards}:
            del self._readings[gone]
        for shard in shards:
            if shard.shard_id not in self._readings:
                position = self._checkpoints.position(shard.shard_id)
                self._readings[shard.shard_id] = _Reading(shard, read_to=position)

    def _readable(self) -> list[_Reading]:
        def parent_is_done(reading: _Reading) -> bool:
            parent = self._readings.get(reading.shard.parent_id or "")
            return parent is None or parent.finished

        return [r for r in self._readings.values() if not r.finished and parent_is_done(r)]

    def _step(self, reading: _Reading) -> int:
        if self._monotonic() < reading.due_at:
            return 0
        if not reading.delivering:
            reading.delivering = self._gather(reading)
        return self._deliver(reading) if reading.delivering else 0

    def _gather(self, reading: _Reading) -> bool:
        """Read on; whether the batch is complete or its window is over."""
        wanted = self._config.batch_size - len(reading.batch)
        page = self._source.read(reading.shard.shard_id, reading.read_to, wanted)
        now = self._monotonic()
        if page.records:
            if not reading.batch:
                reading.gathering_since = now
            reading.batch.extend(page.records)
            reading.read_to = page.records[-1].sequence_number
        reading.closed = page.closed
        if page.closed:
            # Its children are looked for at once.
            self._discover_at = None
        window_over = now - reading.gathering_since >= self._config.batching_window_seconds
        full = len(reading.batch) >= self._config.batch_size
        return bool(reading.batch) and (full or window_over or page.closed)

    def _deliver(self, reading: _Reading) -> int:
        records = [record for record in reading.batch if self._is_wanted(record)]
        if not records:
            self._done_with(reading, len(reading.batch))
            return 0
        first_failed = self._run(records)
        if first_failed is None:
            self._done_with(reading, len(reading.batch))
            return 1
        failed_at = reading.batch.index(first_failed)
        if first_failed is not records[0]:
            self._done_with(reading, failed_at)
        self._put_off(reading)
        return 1

    def _is_wanted(self, record: StreamRecord) -> bool:
        if record.event_name not in self._config.event_names:
            return False
        age = self._wall_clock() - record.created_at_seconds
        if age <= self._config.maximum_record_age_seconds:
            return True
        _log.warning("skipped: %s is %.0f s old", record.sequence_number, age)
        return False

    def _run(self, records: Sequence[StreamRecord]) -> StreamRecord | None:
        """Invoke the function; the record to go on from, or None when all succeeded."""
        try:
            answer = self._invoke({"Records": [record.event for record in records]})
        except Exception:  # noqa: BLE001  whatever it raises is a failed invocation
            _log.exception("the function failed on %d records", len(records))
            return records[0]
        try:
            failed = failed_sequence_numbers(answer)
        except ValueError as error:
            _log.error("the whole batch counts as failed: %s", error)
            return records[0]
        by_number = {record.sequence_number: record for record in records}
        if unknown := failed - by_number.keys():
            _log.error("the whole batch counts as failed: it does not hold %s", sorted(unknown))
            return records[0]
        return by_number[min(failed, key=int)] if failed else None

    def _put_off(self, reading: _Reading) -> None:
        reading.failures += 1
        if reading.failures > self._config.maximum_retry_attempts:
            numbers = ", ".join(record.sequence_number for record in reading.batch)
            _log.error("skipped after %d attempts: %s", reading.failures, numbers)
            self._done_with(reading, len(reading.batch))
            return
        # Not a retry of ours: this is the behaviour that a function meets on Lambda.
        growing = self._config.first_retry_seconds * 2 ** (reading.failures - 1)
        reading.due_at = self._monotonic() + min(growing, self._config.longest_retry_seconds)

    def _done_with(self, reading: _Reading, count: int) -> None:
        """Move the checkpoint past the first ``count`` records of the batch."""
        self._checkpoints.save(reading.shard.shard_id, reading.batch[count - 1].sequence_number)
        del reading.batch[:count]
        reading.failures = 0
        reading.delivering = bool(reading.batch)


def failed_sequence_numbers(answer: Any) -> frozenset[str]:
    """What a function reports as failed; empty is a complete success.

    Raises
    ------
    ValueError
        The answer has another shape than ``{"batchItemFailures": [{"itemIdentifier": ...}]}``.
    """
    if not answer:
        return frozenset()
    if not isinstance(answer, dict) or "batchItemFailures" not in answer:
        raise ValueError(f"not an answer to a stream event: {answer!r}")
    items = answer["batchItemFailures"] or ()
    try:
        numbers = frozenset(item["itemIdentifier"] for item in items)
    except (TypeError, KeyError) as error:
        raise ValueError(f"not a list of item identifiers: {items!r}") from error
    if not all(isinstance(number, str) and number for number in numbers):
        raise ValueError(f"a blank item identifier: {items!r}")
    return numbers
