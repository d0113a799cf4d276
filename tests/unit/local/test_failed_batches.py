from __future__ import annotations

from typing import Any

import pytest

from infra.stream_mapping import INFINITE
from tests.unit.local.scripted_stream import (
    DrivenMapping,
    ScriptedStream,
    failed,
    record,
    stream_of,
)


def test_delivery_goes_on_from_the_lowest_failed_number_and_repeats_what_follows() -> None:
    delivery = DrivenMapping(stream_of(8, 9, 10, 11), failed("11", "9"))
    assert delivery.run() == [["8", "9", "10", "11"], ["9", "10", "11"]]


def test_a_partial_failure_moves_the_checkpoint_to_before_the_failed_record() -> None:
    delivery = DrivenMapping(stream_of(1, 2, 3), failed("3"))
    delivery.mapping.turn()
    assert delivery.checkpoints.position("a") == "2"


def test_other_events_before_the_failed_record_do_not_confuse_the_position() -> None:
    stream = ScriptedStream()
    stream.add("a", record(1, name="REMOVE"), record(2), record(3, name="REMOVE"), record(4))
    delivery = DrivenMapping(stream, failed("4"))
    assert delivery.run() == [["2", "4"], ["4"]]


@pytest.mark.parametrize(
    "answer", [None, {}, {"batchItemFailures": []}, {"batchItemFailures": None}]
)
def test_an_empty_answer_is_a_success(answer: Any) -> None:
    assert DrivenMapping(stream_of(1, 2), answer).run() == [["1", "2"]]


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
    delivery = DrivenMapping(stream_of(1, 2, 3), answer)
    delivery.mapping.turn()
    assert delivery.checkpoints.position("a") is None
    assert delivery.run() == [["1", "2", "3"], ["1", "2", "3"]]


def test_after_three_retries_the_batch_is_skipped_and_delivery_goes_on() -> None:
    delivery = DrivenMapping(stream_of(1, 2, 3), *[RuntimeError("broken")] * 4, batch_size=2)
    assert delivery.run() == [["1", "2"]] * 4 + [["3"]]
    assert delivery.checkpoints.position("a") == "3"


def test_progress_inside_a_batch_starts_the_attempts_anew() -> None:
    answers = [RuntimeError("broken")] * 3 + [failed("2")] + [RuntimeError("broken")] * 3
    delivery = DrivenMapping(stream_of(1, 2), *answers)
    assert delivery.run() == [["1", "2"]] * 4 + [["2"]] * 3


def test_the_delay_between_attempts_grows() -> None:
    delivery = DrivenMapping(stream_of(1), *[RuntimeError("broken")] * 3, first_retry_seconds=1)
    tried_at = []
    for _ in range(40):
        if delivery.mapping.turn():
            tried_at.append(delivery.time.monotonic())
        delivery.time.advance(0.25)
    assert tried_at == [0.0, 1.0, 3.0, 7.0]


def test_records_that_are_too_old_are_skipped_unseen() -> None:
    stream = ScriptedStream()
    stream.add("a", record(1, age_seconds=61), record(2, age_seconds=59))
    delivery = DrivenMapping(stream)
    assert delivery.run() == [["2"]]


def test_a_record_that_grows_too_old_between_attempts_is_given_up() -> None:
    stream = ScriptedStream()
    stream.add("a", record(1, age_seconds=50), record(2))
    delivery = DrivenMapping(stream, *[RuntimeError("broken")] * 2, first_retry_seconds=5)
    assert delivery.run(step_seconds=15) == [["1", "2"], ["2"], ["2"]]


def broken(times: int) -> list[Exception]:
    return [RuntimeError("broken")] * times


def test_without_partial_responses_the_answer_is_not_read() -> None:
    delivery = DrivenMapping(stream_of(1, 2), failed("2"), report_batch_item_failures=False)
    assert delivery.run() == [["1", "2"]]
    assert delivery.checkpoints.position("a") == "2"


def test_without_retries_a_batch_that_failed_is_skipped_at_once() -> None:
    delivery = DrivenMapping(stream_of(1, 2), *broken(1), batch_size=1, maximum_retry_attempts=0)
    assert delivery.run() == [["1"], ["2"]]


def test_infinite_retries_end_with_the_age_alone() -> None:
    delivery = DrivenMapping(stream_of(1, 2), *broken(100), maximum_retry_attempts=INFINITE)
    batches = delivery.run(turns=100)
    assert len(batches) > 10
    assert {tuple(batch) for batch in batches} == {("1", "2")}
    assert delivery.checkpoints.position("a") == "2"


def test_without_a_maximum_age_old_records_are_delivered() -> None:
    stream = ScriptedStream()
    stream.add("a", record(1, age_seconds=100_000))
    delivery = DrivenMapping(stream, maximum_record_age_in_seconds=INFINITE)
    assert delivery.run() == [["1"]]


def test_infinite_retries_and_age_never_give_up() -> None:
    delivery = DrivenMapping(
        stream_of(1, 2),
        *broken(200),
        maximum_retry_attempts=INFINITE,
        maximum_record_age_in_seconds=INFINITE,
    )
    batches = delivery.run(turns=250, step_seconds=6)
    assert batches == [["1", "2"]] * 201
    assert delivery.checkpoints.position("a") == "2"


class PoisonedFunction:
    """Fails as a whole on every batch that holds a poisoned record."""

    def __init__(self, *poisoned: str) -> None:
        self._poisoned = set(poisoned)
        self.batches: list[list[str]] = []

    def __call__(self, event: Any) -> None:
        batch = [r["dynamodb"]["SequenceNumber"] for r in event["Records"]]
        self.batches.append(batch)
        if self._poisoned.intersection(batch):
            raise RuntimeError("poisoned")


def test_bisecting_isolates_the_poisoned_record_and_splitting_uses_up_no_retry() -> None:
    poisoned = PoisonedFunction("3")
    delivery = DrivenMapping(
        stream_of(1, 2, 3, 4, 5),
        bisect_batch_on_function_error=True,
        maximum_retry_attempts=1,
        function=poisoned,
    )
    delivery.run()
    assert poisoned.batches == [
        ["1", "2", "3", "4", "5"],
        ["1", "2"],
        ["3", "4", "5"],
        ["3"],
        ["3"],
        ["4", "5"],
    ]
    assert delivery.checkpoints.position("a") == "5"


def test_each_half_has_all_of_its_retries() -> None:
    poisoned = PoisonedFunction("1", "2")
    delivery = DrivenMapping(
        stream_of(1, 2),
        bisect_batch_on_function_error=True,
        maximum_retry_attempts=2,
        function=poisoned,
    )
    delivery.run()
    assert poisoned.batches == [["1", "2"], *[["1"]] * 3, *[["2"]] * 3]


def test_with_bisecting_a_partial_answer_splits_where_it_says() -> None:
    delivery = DrivenMapping(
        stream_of(1, 2, 3, 4), failed("2"), bisect_batch_on_function_error=True
    )
    assert delivery.run() == [["1", "2", "3", "4"], ["2", "3", "4"]]


def test_with_bisecting_a_partial_answer_uses_up_no_retry() -> None:
    delivery = DrivenMapping(
        stream_of(1, 2, 3),
        failed("3"),
        *broken(2),
        bisect_batch_on_function_error=True,
        maximum_retry_attempts=1,
    )
    assert delivery.run() == [["1", "2", "3"], ["3"], ["3"]]


@pytest.mark.parametrize("answer", [failed("1"), failed("77"), failed(""), [1]], ids=repr)
def test_with_bisecting_an_answer_without_any_success_halves_the_batch(answer: Any) -> None:
    delivery = DrivenMapping(stream_of(1, 2, 3, 4), answer, bisect_batch_on_function_error=True)
    assert delivery.run() == [["1", "2", "3", "4"], ["1", "2"], ["3", "4"]]


def test_the_next_batch_is_whole_again_after_a_bisected_one() -> None:
    delivery = DrivenMapping(
        stream_of(1, 2, 3, 4), *broken(1), bisect_batch_on_function_error=True, batch_size=2
    )
    assert delivery.run() == [["1", "2"], ["1"], ["2"], ["3", "4"]]


def test_a_crash_amid_a_bisected_batch_repeats_only_what_was_not_done_with() -> None:
    stream = stream_of(1, 2, 3, 4)
    before = DrivenMapping(stream, *broken(1), bisect_batch_on_function_error=True)
    before.run(turns=2)
    assert before.function.batches == [["1", "2", "3", "4"], ["1", "2"]]
    after = DrivenMapping(stream, checkpoints=before.checkpoints)
    assert after.run() == [["3", "4"]]
