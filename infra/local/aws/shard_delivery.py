"""The delivery of one shard: gather a batch, invoke the function, retry, give up, checkpoint.

The rules are those of `event_source_mapping`, whose text says which of them are Lambda's.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra.local.aws.batch_response import first_failed
from infra.local.aws.batching import Gathered
from infra.local.aws.checkpoints import Checkpoints
from infra.local.aws.filter_criteria import FilterCriteria
from infra.local.aws.stream_source import RecordSource, Shard, StreamRecord
from infra.stream_mapping import INFINITE, MappingConfig

_MOST_DOUBLINGS = 16
_log = logging.getLogger(__name__)

Invocation = Callable[[Mapping[str, Any]], Any]
"""Runs the function on an event and gives its answer; an exception is a failed invocation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What Lambda does not let one set, and both clocks."""

    first_retry_seconds: float = 0.2
    longest_retry_seconds: float = 5
    discovery_seconds: float = 5
    monotonic: Callable[[], float] = time.monotonic
    wall_clock: Callable[[], float] = time.time


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the shards of a mapping share."""

    source: RecordSource
    invoke: Invocation
    checkpoints: Checkpoints
    config: MappingConfig
    pace: Pace


class ShardDelivery:
    """Brings the records of one shard to the function, in order, each at least once.

    The checkpoint never passes a record that is neither delivered nor given up nor filtered out.
    """

    def __init__(self, shard: Shard, delivery: Delivery) -> None:
        self.shard = shard
        self.closed = False
        self._delivery = delivery
        self._config = delivery.config
        self._pace = delivery.pace
        self._filter = FilterCriteria(delivery.config.filter_patterns)
        self._read_to = self._saved = delivery.checkpoints.position(shard.shard_id)
        self._gathered = Gathered(delivery.config.batch_size)
        # What is left of the batch at hand; bisecting makes several parts of it.
        self._parts: list[list[StreamRecord]] = []
        self._failed_attempts = 0
        self._due_at = self._window_opened_at = delivery.pace.monotonic()

    @property
    def finished(self) -> bool:
        """Whether the shard has ended and all of it is done with."""
        return self.closed and not self.undelivered

    @property
    def undelivered(self) -> int:
        """The number of records that were read and are not done with."""
        return len(self._gathered) + sum(len(part) for part in self._parts)

    def step(self) -> int:
        """Read on, or invoke the function once, if it is time to; the number of invocations."""
        if self._pace.monotonic() < self._due_at:
            return 0
        if not self._parts:
            self._gather()
        return self._deliver() if self._parts else 0

    def _gather(self) -> None:
        """Read on; a batch that is complete, or whose window is over, becomes the one at hand."""
        if self._gathered.missing and not self.closed:
            self._read()
        now = self._pace.monotonic()
        window = self._config.maximum_batching_window_in_seconds
        window_over = now - self._window_opened_at >= window
        if self._gathered and (window_over or self.closed or not self._gathered.missing):
            self._parts = [self._gathered.take()]
        elif window_over:
            self._window_opened_at = now

    def _read(self) -> None:
        page = self._delivery.source.read(
            self.shard.shard_id, self._read_to, self._gathered.missing
        )
        if page.records:
            self._read_to = page.records[-1].sequence_number
        self._gathered.add(record for record in page.records if self._filter.match(record.event))
        self.closed = page.closed
        if not self._gathered:
            self._save(self._read_to)

    def _deliver(self) -> int:
        part = self._young_enough(self._parts[0])
        if not part:
            self._done_with_part()
            return 0
        self._parts[0] = part
        failed_at = self._run(part)
        self._window_opened_at = self._pace.monotonic()
        bisects = self._config.bisect_batch_on_function_error
        if failed_at is None:
            self._done_with_part()
        elif failed_at:
            self._save(part[failed_at - 1].sequence_number)
            self._parts[0] = part[failed_at:]
            self._failed_attempts = 0
            self._put_off(is_attempt=not bisects)
        elif bisects and len(part) > 1:
            middle = len(part) // 2
            self._parts[:1] = [part[:middle], part[middle:]]
            self._failed_attempts = 0
            self._put_off(is_attempt=False)
        else:
            self._put_off(is_attempt=True)
        return 1

    def _run(self, records: Sequence[StreamRecord]) -> int | None:
        """Invoke the function; the place of the record to go on from, None after a success."""
        try:
            answer = self._delivery.invoke({"Records": [record.event for record in records]})
        except Exception:  # noqa: BLE001  whatever it raises is a failed invocation
            _log.exception("the function failed on %d records", len(records))
            return 0
        if not self._config.report_batch_item_failures:
            return None
        try:
            return first_failed(answer, [record.sequence_number for record in records])
        except ValueError as error:
            _log.error("the whole batch counts as failed: %s", error)
            return 0

    def _young_enough(self, records: Sequence[StreamRecord]) -> list[StreamRecord]:
        oldest = self._config.maximum_record_age_in_seconds
        now = self._pace.wall_clock()
        young: list[StreamRecord] = []
        for record in records:
            if oldest == INFINITE or now - record.created_at_seconds <= oldest:
                young.append(record)
            else:
                _log.warning("skipped, older than %d s: %s", oldest, record.sequence_number)
        return young

    def _put_off(self, *, is_attempt: bool) -> None:
        """Wait before the next attempt, or give up what has had all of its attempts."""
        self._failed_attempts += is_attempt
        most = self._config.maximum_retry_attempts
        if most != INFINITE and self._failed_attempts > most:
            numbers = ", ".join(record.sequence_number for record in self._parts[0])
            _log.error("skipped after %d attempts: %s", self._failed_attempts, numbers)
            self._done_with_part()
            return
        # Not a retry of ours: this is the behaviour that a function meets on Lambda.
        doublings = min(max(self._failed_attempts - 1, 0), _MOST_DOUBLINGS)
        wait_seconds = self._pace.first_retry_seconds * 2**doublings
        self._due_at = self._pace.monotonic() + min(wait_seconds, self._pace.longest_retry_seconds)

    def _done_with_part(self) -> None:
        """Move the checkpoint past the part at hand, and past what was filtered out behind it."""
        part = self._parts.pop(0)
        self._failed_attempts = 0
        self._save(part[-1].sequence_number if self.undelivered else self._read_to)

    def _save(self, sequence_number: str | None) -> None:
        if sequence_number is not None and sequence_number != self._saved:
            self._delivery.checkpoints.save(self.shard.shard_id, sequence_number)
            self._saved = sequence_number
