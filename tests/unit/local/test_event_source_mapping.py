from __future__ import annotations

from typing import Any

import pytest

from infra.local.aws.checkpoints import Checkpoints, MemoryCheckpoints
from infra.local.aws.event_source_mapping import EventSourceMapping, MappingConfig
from infra.local.aws.stream_source import RecordSource
from tests.unit.local.scripted_stream import (
    FakeTime,
    ScriptedFunction,
    ScriptedStream,
    failed,
    record,
)


class Delivery:
    """A mapping over a scripted stream, driven by hand."""

    def __init__(
        self,
        stream: RecordSource,
        *answers: Any,
        checkpoints: Checkpoints | None = None,
        **config: Any,
    ) -> None:
        self.time = FakeTime()
        self.function = ScriptedFunction(*answers)
        self.checkpoints = checkpoints or MemoryCheckpoints()
        self.mapping = EventSourceMapping(
            stream,
            self.function,
            self.checkpoints,
            MappingConfig(**config),
            monotonic=self.time.monotonic,
            wall_clock=self.time.wall_clock,
        )

    def run(self, *, turns: int = 40, step_seconds: float = 1) -> list[list[str]]:
        for _ in range(turns):
            self.mapping.turn()
            self.time.advance(step_seconds)
        return self.function.batches


def stream_of(*numbers: int) -> ScriptedStream:
    stream = ScriptedStream()
    stream.add("a", *(record(number) for number in numbers))
    return stream


def test_records_come_in_order_in_batches_of_the_configured_size() -> None:
    batches = Delivery(stream_of(1, 2, 3, 4, 5), batch_size=2).run()
    assert batches == [["1", "2"], ["3", "4"], ["5"]]


def test_each_shard_keeps_its_own_order() -> None:
    stream = stream_of(1, 3, 5)
    stream.add("b", record(2), record(4))
    batches = Delivery(stream, batch_size=1).run()
    delivered = [number for batch in batches for number in batch]
    assert [n for n in delivered if n in "135"] == ["1", "3", "5"]
    assert [n for n in delivered if n in "24"] == ["2", "4"]


def test_a_shard_that_fails_does_not_hold_up_another() -> None:
    stream = stream_of(1)
    stream.add("b", record(2))
    delivery = Delivery(stream, RuntimeError("broken"))
    delivery.mapping.turn()
    assert delivery.function.batches == [["1"], ["2"]]


def test_only_inserts_are_delivered_and_the_rest_is_passed_over() -> None:
    stream = ScriptedStream()
    stream.add("a", record(1, name="REMOVE"), record(2), record(3, name="MODIFY"))
    delivery = Delivery(stream)
    assert delivery.run() == [["2"]]
    assert delivery.checkpoints.position("a") == "3"


def test_a_batch_of_other_events_invokes_nothing_and_moves_the_checkpoint() -> None:
    stream = ScriptedStream()
    stream.add("a", record(1, name="REMOVE"))
    delivery = Delivery(stream)
    assert delivery.run() == []
    assert delivery.checkpoints.position("a") == "1"


def test_delivery_goes_on_from_the_lowest_failed_number_and_repeats_what_follows() -> None:
    delivery = Delivery(stream_of(8, 9, 10, 11), failed("11", "9"))
    assert delivery.run() == [["8", "9", "10", "11"], ["9", "10", "11"]]


def test_a_partial_failure_moves_the_checkpoint_to_before_the_failed_record() -> None:
    delivery = Delivery(stream_of(1, 2, 3), failed("3"))
    delivery.mapping.turn()
    assert delivery.checkpoints.position("a") == "2"


def test_other_events_before_the_failed_record_do_not_confuse_the_position() -> None:
    stream = ScriptedStream()
    stream.add("a", record(1, name="REMOVE"), record(2), record(3, name="REMOVE"), record(4))
    delivery = Delivery(stream, failed("4"))
    assert delivery.run() == [["2", "4"], ["4"]]


@pytest.mark.parametrize(
    "answer", [None, {}, {"batchItemFailures": []}, {"batchItemFailures": None}]
)
def test_an_empty_answer_is_a_success(answer: Any) -> None:
    assert Delivery(stream_of(1, 2), answer).run() == [["1", "2"]]


@pytest.mark.parametrize(
    "answer",
    [
        RuntimeError("broken"),
        failed("77"),
        failed("2", "77"),
        failed(""),
        failed(None),
        failed(2),
        {"batchItemFailures": [{"itemId": "2"}]},
        {"batchItemFailures": "2"},
        {"batchItemFailures": ["2"]},
        {"failures": ["2"]},
        "2",
        [2],
        True,
    ],
    ids=repr,
)
def test_a_failed_invocation_or_a_malformed_answer_fails_the_whole_batch(answer: Any) -> None:
    delivery = Delivery(stream_of(1, 2, 3), answer)
    delivery.mapping.turn()
    assert delivery.checkpoints.position("a") is None
    assert delivery.run() == [["1", "2", "3"], ["1", "2", "3"]]


def test_after_three_retries_the_batch_is_skipped_and_delivery_goes_on() -> None:
    delivery = Delivery(stream_of(1, 2, 3), *[RuntimeError("broken")] * 4, batch_size=2)
    assert delivery.run() == [["1", "2"]] * 4 + [["3"]]
    assert delivery.checkpoints.position("a") == "3"


def test_progress_inside_a_batch_starts_the_attempts_anew() -> None:
    answers = [RuntimeError("broken")] * 3 + [failed("2")] + [RuntimeError("broken")] * 3
    delivery = Delivery(stream_of(1, 2), *answers)
    assert delivery.run() == [["1", "2"]] * 4 + [["2"]] * 3


def test_the_delay_between_attempts_grows() -> None:
    delivery = Delivery(
        stream_of(1), *[RuntimeError("broken")] * 3, first_retry_seconds=1, discovery_seconds=100
    )
    tried_at = []
    for _ in range(40):
        if delivery.mapping.turn():
            tried_at.append(delivery.time.monotonic())
        delivery.time.advance(0.25)
    assert tried_at == [0.0, 1.0, 3.0, 7.0]


def test_records_that_are_too_old_are_skipped_unseen() -> None:
    stream = ScriptedStream()
    stream.add("a", record(1, age_seconds=61), record(2, age_seconds=59))
    delivery = Delivery(stream)
    assert delivery.run() == [["2"]]


def test_a_record_that_grows_too_old_between_attempts_is_given_up() -> None:
    stream = ScriptedStream()
    stream.add("a", record(1, age_seconds=50), record(2))
    delivery = Delivery(stream, *[RuntimeError("broken")] * 2, first_retry_seconds=5)
    assert delivery.run(step_seconds=15) == [["1", "2"], ["2"], ["2"]]


def test_a_crash_between_delivery_and_checkpoint_delivers_again() -> None:
    class DyingCheckpoints(MemoryCheckpoints):
        def save(self, shard_id: str, sequence_number: str) -> None:
            raise KeyboardInterrupt

    stream = stream_of(1, 2)
    kept = DyingCheckpoints()
    before = Delivery(stream, checkpoints=kept)
    with pytest.raises(KeyboardInterrupt):
        before.mapping.turn()
    after = Delivery(stream, checkpoints=kept)
    with pytest.raises(KeyboardInterrupt):
        after.mapping.turn()
    assert before.function.batches == after.function.batches == [["1", "2"]]


def test_a_restart_goes_on_after_the_checkpoint() -> None:
    stream = stream_of(1, 2)
    kept = MemoryCheckpoints()
    Delivery(stream, checkpoints=kept).run()
    stream.add("a", record(3))
    assert Delivery(stream, checkpoints=kept).run() == [["3"]]


def test_a_child_shard_waits_until_its_parent_is_delivered() -> None:
    stream = stream_of(1)
    stream.close("a")
    stream.add("b", record(2), parent="a")
    delivery = Delivery(stream, RuntimeError("broken"), RuntimeError("broken"))
    assert delivery.run() == [["1"], ["1"], ["1"], ["2"]]


def test_a_child_of_an_open_shard_is_not_read() -> None:
    stream = stream_of(1)
    stream.add("b", record(2), parent="a")
    assert Delivery(stream).run() == [["1"]]


def test_a_child_whose_parent_was_trimmed_is_read_at_once() -> None:
    stream = ScriptedStream()
    stream.add("b", record(2), parent="long gone")
    assert Delivery(stream).run() == [["2"]]


def test_a_finished_parent_stays_finished_after_a_restart() -> None:
    stream = stream_of(1)
    stream.close("a")
    stream.add("b", record(2), parent="a")
    kept = MemoryCheckpoints()
    Delivery(stream, checkpoints=kept).run()
    stream.add("b", record(3))
    assert Delivery(stream, checkpoints=kept).run() == [["3"]]


def test_new_shards_are_discovered_while_running() -> None:
    stream = stream_of(1)
    delivery = Delivery(stream)
    delivery.run(turns=3)
    stream.add("b", record(2))
    assert delivery.run() == [["1"], ["2"]]


def test_the_window_gathers_a_batch_until_it_is_over() -> None:
    stream = stream_of(1)
    delivery = Delivery(stream, batching_window_seconds=3)
    delivery.run(turns=2)
    stream.add("a", record(2))
    assert delivery.run(turns=1) == []
    assert delivery.run(turns=2) == [["1", "2"]]


def test_a_full_batch_does_not_wait_for_its_window() -> None:
    delivery = Delivery(stream_of(1, 2), batching_window_seconds=300, batch_size=2)
    assert delivery.run(turns=1) == [["1", "2"]]
