"""Whatever a function answers, and wherever the pump is killed, no record is passed over."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from infra.local.aws.checkpoints import MemoryCheckpoints
from infra.local.aws.event_source_mapping import EventSourceMapping
from infra.local.aws.shard_delivery import Pace
from infra.stream_mapping import INFINITE, INSERTS_ONLY, MappingConfig
from tests.unit.local.scripted_stream import FakeTime, ScriptedStream, failed, record


class Killed(BaseException):
    """The end of the pump's process between the invocation and its checkpoint."""


def _raises(_: list[str]) -> Any:
    raise RuntimeError("broken")


def _is_killed(_: list[str]) -> Any:
    raise Killed


SUCCESSES: dict[str, Callable[[list[str]], Any]] = {
    "success": lambda _: failed(),
    "null list": lambda _: {"batchItemFailures": None},
    "null": lambda _: None,
    "empty": lambda _: {},
}
FAILURES: dict[str, Callable[[list[str]], Any]] = {
    "exception": _raises,
    "blank id": lambda batch: failed(batch[-1], ""),
    "null id": lambda _: failed(None),
    "unknown id": lambda batch: failed(batch[-1], "100000"),
    "misnamed id": lambda batch: {"batchItemFailures": [{"itemId": batch[0]}]},
    "wrong shape": lambda batch: [batch[0]],
    "all": lambda batch: failed(*batch),
    "killed": _is_killed,
}
MOST_SECONDS = 60
SHARES = (0.3, 0.7)
"""How much of its batch a partial answer confirms."""

ENDINGS = (*SUCCESSES, *FAILURES, *SHARES)


@dataclass
class Shards:
    """What the stream holds: the numbers of each shard, in order."""

    stream: ScriptedStream
    numbers: dict[str, list[str]]
    parents: dict[str, str | None]
    filtered: set[str]


@st.composite
def streams(draw: st.DrawFn) -> Shards:
    stream = ScriptedStream()
    numbers: dict[str, list[str]] = {}
    parents: dict[str, str | None] = {}
    filtered: set[str] = set()
    following = iter(range(1, 1_000))
    for shard in "abcd"[: draw(st.integers(1, 4))]:
        parent = draw(st.sampled_from([None, *numbers]))
        parents[shard] = parent
        numbers[shard] = []
        stream.add(shard, parent=parent)
        for wanted in draw(st.lists(st.booleans(), max_size=12)):
            made = record(next(following), name="INSERT" if wanted else "REMOVE")
            stream.add(shard, made)
            numbers[shard].append(made.sequence_number)
            if not wanted:
                filtered.add(made.sequence_number)
    for parent in filter(None, parents.values()):
        stream.close(parent)
    return Shards(stream, numbers, parents, filtered)


@dataclass
class Function:
    """Ends each invocation as it is told to, and in success once it is told no more."""

    endings: list[Any]
    attempts: dict[str, int] = field(default_factory=dict)
    first_deliveries: list[str] = field(default_factory=list)
    succeeded: set[str] = field(default_factory=set)

    def __call__(self, event: Mapping[str, Any]) -> Any:
        batch = [r["dynamodb"]["SequenceNumber"] for r in event["Records"]]
        assert batch, "an empty batch is never delivered"
        for number in batch:
            if number not in self.attempts:
                self.first_deliveries.append(number)
            self.attempts[number] = self.attempts.get(number, 0) + 1
        return self._end(self.endings.pop(0) if self.endings else "success", batch)

    def _end(self, ending: Any, batch: list[str]) -> Any:
        if isinstance(ending, float):
            done = int(len(batch) * ending)
            self.succeeded.update(batch[:done])
            return failed(*reversed(batch[done:]))
        if ending in SUCCESSES:
            self.succeeded.update(batch)
        return {**SUCCESSES, **FAILURES}[ending](batch)


configs = st.fixed_dictionaries(
    {
        "batch_size": st.integers(1, 7),
        "maximum_batching_window_in_seconds": st.sampled_from([0, 3]),
        "bisect_batch_on_function_error": st.booleans(),
        "maximum_retry_attempts": st.sampled_from([INFINITE, 0, 1, 3]),
        "maximum_record_age_in_seconds": st.sampled_from([INFINITE, MOST_SECONDS]),
    }
)


class WatchedCheckpoints(MemoryCheckpoints):
    """Holds each move of a checkpoint against what the function has had by then."""

    def __init__(
        self, shards: Shards, function: Function, clock: FakeTime, *, all_succeed: bool
    ) -> None:
        super().__init__()
        self._shards = shards
        self._function = function
        self._clock = clock
        self._all_succeed = all_succeed

    def save(self, shard_id: str, sequence_number: str) -> None:
        numbers = self._shards.numbers[shard_id]
        before = self.position(shard_id)
        place = numbers.index(sequence_number)
        assert before is None or numbers.index(before) < place, "a checkpoint never moves back"
        passed = set(numbers[: place + 1]) - self._shards.filtered
        if self._all_succeed or self._clock.monotonic() <= MOST_SECONDS:
            assert passed <= self._function.attempts.keys(), "passed over without a delivery"
        if self._all_succeed:
            assert passed <= self._function.succeeded, "passed over without a success"
        super().save(shard_id, sequence_number)


@given(streams(), st.lists(st.sampled_from(ENDINGS), max_size=25), configs)
def test_every_record_is_delivered_in_order_or_given_up_by_age_or_retries(
    shards: Shards, endings: list[Any], config: dict[str, Any]
) -> None:
    function = Function(list(endings))
    never_gives_up = config["maximum_retry_attempts"] == INFINITE
    clock = FakeTime()
    checkpoints = WatchedCheckpoints(
        shards,
        function,
        clock,
        all_succeed=never_gives_up and config["maximum_record_age_in_seconds"] == INFINITE,
    )

    def mapping() -> EventSourceMapping:
        ours = {"report_batch_item_failures": True, "filter_patterns": INSERTS_ONLY}
        pace = Pace(monotonic=clock.monotonic, wall_clock=clock.wall_clock)
        return EventSourceMapping(
            shards.stream, function, checkpoints, MappingConfig(**ours, **config), pace
        )

    running = mapping()
    idle = 0
    while idle < 60:  # filtered records may be read one by one
        try:
            idle = 0 if running.turn() else idle + 1
        except Killed:
            running = mapping()
        # Long enough for every wait between attempts, and for the window.
        clock.advance(1)

    for shard, numbers in shards.numbers.items():
        wanted = [number for number in numbers if number not in shards.filtered]
        if config["maximum_record_age_in_seconds"] == INFINITE:
            seen = [number for number in function.first_deliveries if number in set(numbers)]
            assert seen == wanted, "first deliveries are in the order of the shard"
        if config["maximum_record_age_in_seconds"] == INFINITE and never_gives_up:
            assert function.succeeded.issuperset(wanted)
        assert checkpoints.position(shard) == (numbers[-1] if numbers else None)
        _parents_come_first(shards, function, shard)
    assert not function.attempts.keys() & shards.filtered


def _parents_come_first(shards: Shards, function: Function, shard: str) -> None:
    order = {number: place for place, number in enumerate(function.first_deliveries)}
    parent = shards.parents[shard]
    if parent is None:
        return
    of_parent = [order[n] for n in shards.numbers[parent] if n in order]
    of_child = [order[n] for n in shards.numbers[shard] if n in order]
    assert not of_parent or not of_child or max(of_parent) < min(of_child)


@given(
    st.integers(1, 8),
    st.sampled_from([0, 1, 3]),
    st.booleans(),
    st.sampled_from(["exception", "blank id", "unknown id", "wrong shape", "all"]),
)
def test_what_always_fails_is_attempted_once_and_for_each_retry_and_then_given_up(
    size: int, retries: int, bisects: bool, ending: Any
) -> None:
    stream = ScriptedStream()
    stream.add("a", *(record(number) for number in range(1, size + 1)))
    function = Function([ending] * 1_000)
    checkpoints = MemoryCheckpoints()
    clock = FakeTime()
    mapping = EventSourceMapping(
        stream,
        function,
        checkpoints,
        MappingConfig(
            report_batch_item_failures=True,
            maximum_retry_attempts=retries,
            bisect_batch_on_function_error=bisects,
        ),
        Pace(monotonic=clock.monotonic, wall_clock=clock.wall_clock),
    )
    while checkpoints.position("a") != str(size):
        mapping.turn()
        clock.advance(10)
    fewest, most = min(function.attempts.values()), max(function.attempts.values())
    if bisects:
        # Each record comes once with every part that it was in, and at last alone.
        depth = (size - 1).bit_length()
        assert depth - 1 + 1 + retries <= fewest <= most <= depth + 1 + retries
    else:
        assert fewest == most == 1 + retries
    assert function.succeeded == set()
