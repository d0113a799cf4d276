"""A stream, a function and a clock that tests script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from infra.local.aws.stream_source import Page, Shard, StreamRecord

NOW = 1_800_000_000.0


def record(number: int, *, name: str = "INSERT", age_seconds: float = 0) -> StreamRecord:
    sequence_number = str(number)
    return StreamRecord(
        sequence_number,
        name,
        NOW - age_seconds,
        {"eventName": name, "dynamodb": {"SequenceNumber": sequence_number}},
    )


class ScriptedStream:
    def __init__(self) -> None:
        self._shards: dict[str, Shard] = {}
        self._records: dict[str, list[StreamRecord]] = {}
        self._closed: set[str] = set()

    def add(self, shard_id: str, *records: StreamRecord, parent: str | None = None) -> None:
        self._shards.setdefault(shard_id, Shard(shard_id, parent))
        self._records.setdefault(shard_id, []).extend(records)

    def close(self, shard_id: str) -> None:
        self._closed.add(shard_id)

    def shards(self) -> Sequence[Shard]:
        return tuple(self._shards.values())

    def read(self, shard_id: str, after: str | None, limit: int) -> Page:
        left = [
            r
            for r in self._records[shard_id]
            if after is None or int(r.sequence_number) > int(after)
        ]
        return Page(left[:limit], closed=shard_id in self._closed and len(left) <= limit)


class ScriptedFunction:
    """Answers what it is told to, one answer per call, and then success."""

    def __init__(self, *answers: Any) -> None:
        self._answers = list(answers)
        self.batches: list[list[str]] = []

    def __call__(self, event: Mapping[str, Any]) -> Any:
        self.batches.append([r["dynamodb"]["SequenceNumber"] for r in event["Records"]])
        answer = self._answers.pop(0) if self._answers else None
        if isinstance(answer, Exception):
            raise answer
        return answer


class FakeTime:
    """Both clocks of a machine; they stand still until they are moved."""

    def __init__(self) -> None:
        self._passed = 0.0

    def monotonic(self) -> float:
        return self._passed

    def wall_clock(self) -> float:
        return NOW + self._passed

    def advance(self, seconds: float) -> None:
        self._passed += seconds


def failed(*numbers: object) -> dict[str, list[dict[str, object]]]:
    return {"batchItemFailures": [{"itemIdentifier": number} for number in numbers]}
