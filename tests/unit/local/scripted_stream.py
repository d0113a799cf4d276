"""A stream, a function and a clock that tests script, and a mapping that they drive by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from infra.local.aws.checkpoints import Checkpoints, MemoryCheckpoints
from infra.local.aws.event_source_mapping import EventSourceMapping
from infra.local.aws.shard_delivery import Invocation, Pace
from infra.local.aws.stream_source import Page, RecordSource, Shard, StreamRecord
from infra.stream_mapping import INSERTS_ONLY, MappingConfig

NOW = 1_800_000_000.0


def record(
    number: int, *, name: str = "INSERT", age_seconds: float = 0, size_bytes: int = 0
) -> StreamRecord:
    sequence_number = str(number)
    change = {"SequenceNumber": sequence_number, "NewImage": {"body": {"S": "x" * size_bytes}}}
    return StreamRecord(sequence_number, NOW - age_seconds, {"eventName": name, "dynamodb": change})


class ScriptedStream:
    """Shards that are written, split and closed while they are read."""

    def __init__(self) -> None:
        self._shards: dict[str, Shard] = {}
        self._records: dict[str, list[StreamRecord]] = {}
        self._closed: set[str] = set()

    def add(self, shard_id: str, *records: StreamRecord, parent: str | None = None) -> None:
        self._shards.setdefault(shard_id, Shard(shard_id, parent))
        self._records.setdefault(shard_id, []).extend(records)

    def close(self, shard_id: str) -> None:
        self._closed.add(shard_id)

    def drop(self, shard_id: str) -> None:
        """Forget a shard, as a stream does a day after the last of its records."""
        del self._shards[shard_id]

    def shards(self) -> Sequence[Shard]:
        return tuple(self._shards.values())

    def read(self, shard_id: str, after: str | None, limit: int) -> Page:
        assert limit > 0, "the engine refuses such a limit"
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


class DrivenMapping:
    """A mapping over a scripted stream, as this project sets it up unless told otherwise."""

    def __init__(
        self,
        stream: RecordSource,
        *answers: Any,
        checkpoints: Checkpoints | None = None,
        first_retry_seconds: float = 0.2,
        function: Invocation | None = None,
        **config: Any,
    ) -> None:
        self.time = FakeTime()
        self.function = ScriptedFunction(*answers)
        self.checkpoints = checkpoints or MemoryCheckpoints()
        ours = {
            "report_batch_item_failures": True,
            "maximum_retry_attempts": 3,
            "maximum_record_age_in_seconds": 60,
            "filter_patterns": INSERTS_ONLY,
        }
        self.mapping = EventSourceMapping(
            stream,
            function or self.function,
            self.checkpoints,
            MappingConfig(**{**ours, **config}),
            Pace(
                first_retry_seconds=first_retry_seconds,
                monotonic=self.time.monotonic,
                wall_clock=self.time.wall_clock,
            ),
        )

    def run(self, *, turns: int = 40, step_seconds: float = 1) -> list[list[str]]:
        for _ in range(turns):
            self.mapping.turn()
            self.time.advance(step_seconds)
        return self.function.batches


def stream_of(*numbers: int) -> ScriptedStream:
    """A stream with one open shard, named ``a``."""
    stream = ScriptedStream()
    stream.add("a", *(record(number) for number in numbers))
    return stream
