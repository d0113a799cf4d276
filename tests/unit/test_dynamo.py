"""What DynamoDB says no with: conditions are outcomes, the rest passes or is told.

No local engine ever answers TransactionConflict, so the answers are scripted here.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from pynamodb.exceptions import (
    CancellationReason,
    DoesNotExist,
    GetError,
    PutError,
    TransactWriteError,
    UpdateError,
    VerboseClientError,
)

from chalicelib.deadline import Deadline, time_left, within
from chalicelib.dynamo import ConditionFailed, repeating, understood
from chalicelib.errors import StaleWrite, StoreRefused, Unavailable, UnreadableRow
from chalicelib.optimistic import until_written
from chalicelib.orders.model import TradeType


def refused(*codes: str) -> TransactWriteError:
    cause = VerboseClientError(
        {"Error": {"Code": "TransactionCanceledException", "Message": "no"}},
        "TransactWriteItems",
        cancellation_reasons=[CancellationReason(code=code) if code else None for code in codes],
    )
    return TransactWriteError("no", cause)


def single(kind: type[PutError] | type[UpdateError] | type[GetError], code: str) -> Exception:
    return kind("no", ClientError({"Error": {"Code": code}}, "One"))


def answers(*outcomes: Exception | str) -> Callable[[], str]:
    left = list(outcomes)

    def call() -> str:
        outcome = left.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return call


@pytest.mark.parametrize(
    "passing",
    [
        refused("", "TransactionConflict"),
        refused("ThrottlingError", "TransactionConflict"),
        single(UpdateError, "TransactionConflictException"),
        single(PutError, "ProvisionedThroughputExceededException"),
        single(GetError, "ThrottlingException"),
    ],
)
def test_what_passes_is_waited_for(passing: Exception) -> None:
    assert repeating(answers(passing, passing, "done")) == "done"


def test_what_does_not_pass_is_told_after_a_few_times() -> None:
    with pytest.raises(Unavailable):
        repeating(answers(*[refused("TransactionConflict")] * 6, "too late"))


def test_failed_conditions_are_told_by_their_position() -> None:
    with pytest.raises(ConditionFailed) as failed:
        repeating(answers(refused("", "ConditionalCheckFailed", "", "ConditionalCheckFailed")))
    assert failed.value.failed == (1, 3)


def test_a_failed_condition_counts_more_than_a_conflict_beside_it() -> None:
    with pytest.raises(ConditionFailed):
        repeating(answers(refused("TransactionConflict", "ConditionalCheckFailed"), "not asked"))


@pytest.mark.parametrize("kind", [PutError, UpdateError])
def test_a_single_failed_condition_is_an_outcome_too(
    kind: type[PutError] | type[UpdateError],
) -> None:
    with pytest.raises(ConditionFailed):
        repeating(answers(single(kind, "ConditionalCheckFailedException")))


@pytest.mark.parametrize(
    "error",
    [
        single(GetError, "AccessDeniedException"),
        refused("AccessDenied"),
    ],
)
def test_the_rest_is_unavailable(error: Exception) -> None:
    with pytest.raises(Unavailable):
        repeating(answers(error, "not asked"))


SILENCE = GetError("no answer", ReadTimeoutError(endpoint_url="x"))


def test_silence_is_waited_for_three_times() -> None:
    assert repeating(answers(SILENCE, SILENCE, "done")) == "done"
    with pytest.raises(Unavailable):
        repeating(answers(SILENCE, SILENCE, SILENCE, "not asked"))


def test_nothing_is_asked_when_the_handlers_time_is_over() -> None:
    with within(Deadline.after(0.1)), pytest.raises(Unavailable):
        repeating(answers("not asked"))


def test_nothing_is_repeated_when_the_handlers_time_is_over() -> None:
    calls = []

    def until_the_time_is_over() -> str:
        calls.append(1)
        while time_left() >= 0.3:
            pass
        raise SILENCE

    with within(Deadline.after(0.35)), pytest.raises(Unavailable):
        repeating(until_the_time_is_over)
    assert len(calls) == 1


def test_a_race_is_given_up_when_the_handlers_time_is_over() -> None:
    rounds = []

    def always_stale() -> None:
        rounds.append(1)
        raise StaleWrite

    with within(Deadline.after(0.1)), pytest.raises(StaleWrite):
        until_written(always_stale)
    assert len(rounds) == 1


@pytest.mark.parametrize(
    "error", [refused("", "ValidationError"), single(PutError, "ValidationException")]
)
def test_a_request_that_can_never_hold_is_not_taken_for_an_outage(error: Exception) -> None:
    with pytest.raises(StoreRefused):
        repeating(answers(error, "not asked"))


def test_a_row_of_newer_code_is_unavailable_to_older_code() -> None:
    with pytest.raises(UnreadableRow) as refusal:
        understood(TradeType, "NOT_YET_INVENTED")
    assert isinstance(refusal.value, Unavailable)
    assert (refusal.value.http_status, refusal.value.code) == (503, "UNAVAILABLE")


def test_an_absent_item_is_no_trouble_of_the_database() -> None:
    with pytest.raises(DoesNotExist):
        repeating(answers(DoesNotExist()))
