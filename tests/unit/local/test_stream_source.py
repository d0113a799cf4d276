from __future__ import annotations

import socket
import threading
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError

from infra.local.aws.stream_source import DynamoStream, Shard
from infra.local.processes.children import LOOPBACK
from tests.unit.local.scripted_stream import NOW, FakeTime

ARN = "arn:aws:dynamodb:ap-southeast-1:000000000000:table/outbox/stream/2026-01-01T00:00:00.000"


def client_error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": ""}}, "GetRecords")


def raw(number: int) -> dict[str, Any]:
    return {
        "eventID": str(number),
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "ap-southeast-1",
        "dynamodb": {
            "ApproximateCreationDateTime": datetime.fromtimestamp(NOW, UTC),
            "Keys": {"name": {"S": str(number)}},
            "SequenceNumber": str(number),
            "SizeBytes": 1,
            "StreamViewType": "NEW_IMAGE",
        },
    }


class Engine:
    """One shard whose iterators count records, as those of the local engine do."""

    def __init__(self, *numbers: int) -> None:
        self.numbers = list(numbers)
        self.closed = False
        self.trimmed_to = 0
        self.failures: list[Exception] = []
        self.positions: list[str] = []
        self.limits: list[int] = []

    def get_shard_iterator(self, **asked: Any) -> Any:
        self.positions.append(asked.get("SequenceNumber", asked["ShardIteratorType"]))
        if asked["ShardIteratorType"] == "TRIM_HORIZON":
            return {"ShardIterator": str(self.trimmed_to)}
        number = int(asked["SequenceNumber"])
        if number not in self.numbers[self.trimmed_to :]:
            raise client_error("TrimmedDataAccessException")
        return {"ShardIterator": str(self.numbers.index(number) + 1)}

    def get_records(self, **asked: Any) -> Any:
        if self.failures:
            raise self.failures.pop(0)
        self.limits.append(asked["Limit"])
        place = int(asked["ShardIterator"])
        if place < self.trimmed_to:
            raise client_error("TrimmedDataAccessException")
        page = self.numbers[place : place + asked["Limit"]]
        answer: dict[str, Any] = {"Records": [raw(number) for number in page]}
        if not self.closed or place + len(page) < len(self.numbers):
            answer["NextShardIterator"] = str(place + len(page))
        return answer


class Reader:
    """Reads a shard as a mapping does: from where the last page ended."""

    def __init__(self, engine: Engine) -> None:
        self.time = FakeTime()
        self._stream = DynamoStream(engine, ARN, self.time.monotonic)
        self._after: str | None = None
        self.closed = False

    def page(self, limit: int = 2) -> list[str]:
        page = self._stream.read("a", self._after, limit)
        numbers = [record.sequence_number for record in page.records]
        self._after = numbers[-1] if numbers else self._after
        self.closed = page.closed
        return numbers


def test_pages_follow_one_another_without_asking_for_the_position_again() -> None:
    engine = Engine(1, 2, 3)
    reader = Reader(engine)
    assert [reader.page() for _ in range(3)] == [["1", "2"], ["3"], []]
    assert engine.positions == ["TRIM_HORIZON"]


def test_a_closed_shard_says_so_with_its_last_page() -> None:
    engine = Engine(1, 2, 3)
    engine.closed = True
    reader = Reader(engine)
    assert (reader.page(), reader.closed) == (["1", "2"], False)
    assert (reader.page(), reader.closed) == (["3"], True)


def test_an_expired_iterator_is_replaced_by_one_at_the_position() -> None:
    engine = Engine(1, 2, 3)
    reader = Reader(engine)
    reader.page()
    engine.failures.append(client_error("ExpiredIteratorException"))
    assert (reader.page(), reader.closed) == ([], False)
    assert reader.page() == ["3"]
    assert engine.positions == ["TRIM_HORIZON", "2"]


@pytest.mark.parametrize(
    "failure",
    [client_error("InternalServerError"), EndpointConnectionError(endpoint_url="http://x")],
    ids=["answered", "not reached"],
)
def test_after_any_other_failure_the_position_is_asked_for_anew(failure: Exception) -> None:
    engine = Engine(1, 2, 3)
    reader = Reader(engine)
    reader.page()
    engine.failures.append(failure)
    with pytest.raises(type(failure)):
        reader.page()
    assert reader.page() == ["3"]
    assert engine.positions == ["TRIM_HORIZON", "2"]


def test_a_position_that_was_trimmed_is_gone_on_with_at_the_trim_horizon() -> None:
    engine = Engine(1, 2, 3, 4)
    reader = Reader(engine)
    reader.page(1)
    engine.trimmed_to = 2
    assert [reader.page(), reader.page()] == [[], ["3", "4"]]


def test_a_position_that_was_trimmed_before_a_restart_is_gone_on_with_as_well() -> None:
    engine = Engine(1, 2, 3, 4)
    engine.trimmed_to = 2
    stream = DynamoStream(engine, ARN)
    assert [r.sequence_number for r in stream.read("a", "1", 5).records] == ["3", "4"]


def test_records_that_an_emptied_engine_writes_are_not_skipped_by_an_old_iterator() -> None:
    engine = Engine(1, 2)
    reader = Reader(engine)
    assert reader.page() == ["1", "2"]
    # Restarted unseen, while a function was running.
    engine.numbers = [8]
    reader.time.advance(0.5)
    assert reader.page() == ["8"]


def test_an_iterator_is_used_while_its_engine_answers_all_the_time() -> None:
    engine = Engine(1, 2)
    reader = Reader(engine)
    for _ in range(10):
        reader.page()
        reader.time.advance(0.2)
    assert engine.positions == ["TRIM_HORIZON"]


@pytest.mark.usefixtures("aws_credentials")
def test_a_call_is_not_repeated_within_itself() -> None:
    with socket.create_server((LOOPBACK, 0)) as server:
        server.settimeout(60)
        accepted: list[str] = []

        def hang_up_once() -> None:
            connection, _ = server.accept()
            accepted.append("call")
            connection.close()
            server.close()

        hanging_up = threading.Thread(target=hang_up_once)
        hanging_up.start()
        url = f"http://{LOOPBACK}:{server.getsockname()[1]}"
        stream = DynamoStream.connect(ARN, "ap-southeast-1", url)
        # A second attempt would be refused, since nobody listens any more.
        with pytest.raises(ConnectionClosedError):
            stream.shards()
        hanging_up.join()
    assert accepted == ["call"]


def test_no_page_is_larger_than_the_api_allows() -> None:
    engine = Engine(1)
    Reader(engine).page(10_000)
    assert engine.limits == [1_000]


def test_all_pages_of_the_list_of_shards_are_read() -> None:
    class Client:
        def describe_stream(self, **asked: Any) -> Any:
            pages: dict[str | None, Any] = {
                None: {"Shards": [{"ShardId": "a"}], "LastEvaluatedShardId": "a"},
                "a": {"Shards": [{"ShardId": "b", "ParentShardId": "a"}]},
            }
            return {"StreamDescription": pages[asked.get("ExclusiveStartShardId")]}

    assert DynamoStream(Client(), ARN).shards() == [Shard("a"), Shard("b", "a")]
