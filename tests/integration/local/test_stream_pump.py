from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest

from chalicelib.settings import Settings
from infra.local.aws.checkpoints import FileCheckpoints
from infra.local.aws.event_source_mapping import EventSourceMapping
from infra.local.aws.stream_source import DynamoStream
from infra.local.processes.children import wait_until

pytestmark = pytest.mark.usefixtures("aws_credentials")


class Table:
    """A table with a stream of new images."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._name = f"{settings.table_prefix}{uuid.uuid4().hex[:8]}"
        self._client: Any = boto3.client(
            "dynamodb",
            region_name=settings.aws_region,
            endpoint_url=settings.dynamodb_endpoint_url,
        )
        made = self._client.create_table(
            TableName=self._name,
            KeySchema=[{"AttributeName": "name", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "name", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
        )
        self.stream_arn: str = made["TableDescription"]["LatestStreamArn"]

    def put(self, name: str, **attributes: Any) -> None:
        self._client.put_item(TableName=self._name, Item={"name": {"S": name}, **attributes})

    def remove(self, name: str) -> None:
        self._client.delete_item(TableName=self._name, Key={"name": {"S": name}})

    def drop(self) -> None:
        self._client.delete_table(TableName=self._name)

    def stream(self) -> DynamoStream:
        at = self._settings
        return DynamoStream.connect(self.stream_arn, at.aws_region, at.dynamodb_endpoint_url)


@pytest.fixture
def table(local_settings: Settings) -> Iterator[Table]:
    made = Table(local_settings)
    yield made
    made.drop()


def delivered_by(table: Table, folder: Path, *answers: Any) -> list[list[dict[str, Any]]]:
    """What a mapping delivers until the stream has nothing more."""
    script = list(answers)
    batches: list[list[dict[str, Any]]] = []

    def relay(event: Any) -> Any:
        batches.append(list(event["Records"]))
        return script.pop(0) if script else None

    mapping = EventSourceMapping(table.stream(), relay, FileCheckpoints(folder, table.stream_arn))
    while mapping.turn():
        pass
    return batches


def names(batch: list[dict[str, Any]]) -> list[str]:
    return [record["dynamodb"]["NewImage"]["name"]["S"] for record in batch]


def test_a_record_has_the_shape_that_lambda_gives_it(table: Table, tmp_path: Path) -> None:
    images = {"body": {"S": "{}"}, "raw": {"L": [{"B": b"\xff"}, {"M": {"n": {"N": "1"}}}]}}
    table.put("a", **images)
    [[record]] = delivered_by(table, tmp_path)
    change = record["dynamodb"]
    assert record.keys() == {
        "eventID",
        "eventName",
        "eventVersion",
        "eventSource",
        "eventSourceARN",
        "awsRegion",
        "dynamodb",
    }
    assert (record["eventName"], record["eventSource"]) == ("INSERT", "aws:dynamodb")
    assert record["eventSourceARN"] == table.stream_arn
    assert change["Keys"] == {"name": {"S": "a"}}
    assert change["NewImage"] == {
        "name": {"S": "a"},
        "body": {"S": "{}"},
        "raw": {"L": [{"B": "/w=="}, {"M": {"n": {"N": "1"}}}]},
    }
    assert isinstance(change["ApproximateCreationDateTime"], int)
    assert change["StreamViewType"] == "NEW_IMAGE"
    assert change["SequenceNumber"].isdigit()
    assert "SizeBytes" in change


def test_only_inserts_come_and_a_restart_goes_on_after_them(table: Table, tmp_path: Path) -> None:
    table.put("a")
    table.put("a", touched={"BOOL": True})
    table.remove("a")
    table.put("b")
    assert [names(batch) for batch in delivered_by(table, tmp_path)] == [["a", "b"]]
    table.put("c")
    assert [names(batch) for batch in delivered_by(table, tmp_path)] == [["c"]]


def test_an_engine_that_forgot_the_position_is_read_from_the_start(
    table: Table, tmp_path: Path
) -> None:
    table.put("a")
    [shard] = table.stream().shards()
    FileCheckpoints(tmp_path, table.stream_arn).save(shard.shard_id, "1" * 21)
    assert [names(batch) for batch in delivered_by(table, tmp_path)] == [["a"]]


@contextmanager
def pumping(table: Table, settings: Settings, folder: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "infra.local.aws.stream_pump"]
    process = subprocess.Popen(
        [*command, "--app", "tests.integration.local.sample_app:app"],
        stdout=subprocess.PIPE,
        text=True,
        env={
            **os.environ,
            "DYNAMODB_ENDPOINT_URL": settings.dynamodb_endpoint_url,
            "OUTBOX_STREAM_ARN": table.stream_arn,
            "PUMP_CHECKPOINT_DIR": str(folder / "checkpoints"),
            "SAMPLE_NOTES": str(folder / "notes"),
        },
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def test_the_process_feeds_the_stream_function_and_goes_on_after_a_restart(
    table: Table, local_settings: Settings, tmp_path: Path
) -> None:
    notes = tmp_path / "notes"
    notes.touch()

    def noted(name: str) -> Callable[[], bool]:
        return lambda: f"INSERT {name} " in notes.read_text(encoding="utf-8")

    with pumping(table, local_settings, tmp_path) as process:
        table.put("a")
        assert wait_until(noted("a"), seconds=20)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
    table.put("b")
    with pumping(table, local_settings, tmp_path):
        assert wait_until(noted("b"), seconds=20)
    assert [line.split()[1] for line in notes.read_text(encoding="utf-8").splitlines()] == [
        "a",
        "b",
    ]


def test_the_process_repeats_from_the_failed_record(
    table: Table, local_settings: Settings, tmp_path: Path
) -> None:
    notes = tmp_path / "notes"
    notes.touch()
    for name in ("a", "poison", "b"):
        table.put(name)
    with pumping(table, local_settings, tmp_path):
        table.put("last")
        assert wait_until(lambda: "last" in notes.read_text(encoding="utf-8"), seconds=20)
        assert wait_until(lambda: notes.read_text().count("poison") == 4, seconds=20)
    seen = [line.split()[1] for line in notes.read_text(encoding="utf-8").splitlines()]
    assert seen.count("a") == 1
    assert seen.count("b") == seen.count("poison") == 4
