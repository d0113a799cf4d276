from __future__ import annotations

from typing import Any

import pytest

from chalicelib.mq.stream import MalformedRecord, new_row
from tests.fakes.clock import START
from tests.unit.mq.builders import a_message, an_insert


def test_an_insert_is_read_completely() -> None:
    row = new_row(an_insert(a_message(), 17))
    assert row is not None
    assert (row.message, row.sequence_number, row.put_at) == (a_message(), "17", START)


def test_without_the_streams_own_time_the_rows_time_counts() -> None:
    record = an_insert(a_message(), 17)
    del record["dynamodb"]["ApproximateCreationDateTime"]
    row = new_row(record)
    assert row is not None
    assert row.put_at == START


@pytest.mark.parametrize("event_name", ["REMOVE", "MODIFY", "", None])
def test_only_inserts_count(event_name: str | None) -> None:
    assert new_row({**an_insert(a_message(), 1), "eventName": event_name}) is None


@pytest.mark.parametrize("change", [{"SequenceNumber": "1"}, None, "text"])
def test_a_record_without_an_image_is_ignored(change: object) -> None:
    assert new_row({"eventName": "INSERT", "dynamodb": change}) is None


@pytest.mark.parametrize("name", ["event_key", "message_id", "exchange", "body", "created_at_ms"])
@pytest.mark.parametrize(
    "value", [None, {"N": "x"}, {"S": ""}, {"S": "\ud800"}, {"N": "9" * 30}, "bare"]
)
def test_an_image_that_cannot_be_a_message_is_malformed(name: str, value: Any) -> None:
    record = an_insert(a_message(), 1)
    record["dynamodb"]["NewImage"][name] = value
    with pytest.raises(MalformedRecord):
        new_row(record)


@pytest.mark.parametrize("name", ["message_id", "exchange"])
def test_what_amqp_cannot_carry_is_malformed(name: str) -> None:
    record = an_insert(a_message(), 1)
    record["dynamodb"]["NewImage"][name] = {"S": "长" * 86}
    with pytest.raises(MalformedRecord, match="258 bytes"):
        new_row(record)
