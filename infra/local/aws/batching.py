"""Records that wait for their batch, cut by number and by the size of the event.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html#invocation-eventsourcemapping-batching
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from infra.local.aws.stream_source import StreamRecord

PAYLOAD_BYTES = 6 * 1024 * 1024
"""The size of an event at which Lambda sends it, however few records it holds."""


class Gathered:
    """The next records of a shard, in order."""

    def __init__(self, batch_size: int) -> None:
        self._batch_size = batch_size
        self._records: list[StreamRecord] = []
        # Of the event that would hold the first n records.
        self._event_bytes: list[int] = []

    def __len__(self) -> int:
        return len(self._records)

    @property
    def missing(self) -> int:
        """How many records may still be read for the next batch."""
        return 0 if self._fitting() < len(self) else self._batch_size - len(self)

    def add(self, records: Iterable[StreamRecord]) -> None:
        """Put records behind those that wait."""
        for record in records:
            so_far = self._event_bytes[-1] + len(",") if self._event_bytes else _size_bytes()
            self._records.append(record)
            self._event_bytes.append(so_far + _size_bytes(record.event))

    def take(self) -> list[StreamRecord]:
        """The next batch; it has a record at least, if any waits, however large that one is."""
        batch = self._records[: self._fitting()]
        left = self._records[len(batch) :]
        self._records, self._event_bytes = [], []
        self.add(left)
        return batch

    def _fitting(self) -> int:
        fitting = sum(size <= PAYLOAD_BYTES for size in self._event_bytes[: self._batch_size])
        return fitting or min(1, len(self))


def _size_bytes(event: Mapping[str, Any] | None = None) -> int:
    value: Mapping[str, Any] = {"Records": []} if event is None else event
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())
