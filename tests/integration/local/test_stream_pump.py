from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chalice.app import Chalice

from chalicelib.settings import Settings
from infra.local.aws.checkpoints import FileCheckpoints
from infra.local.aws.event_source_mapping import EventSourceMapping
from infra.local.aws.stream_pump import mapping_of, stream_functions
from infra.local.processes.children import wait_until
from infra.stream_mapping import outbox_mapping
from tests.integration.local.streamed_table import Notes, Table, pumping

pytestmark = pytest.mark.usefixtures("aws_credentials")


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

    mapping = EventSourceMapping(
        table.stream(),
        relay,
        FileCheckpoints(folder, table.stream_arn),
        outbox_mapping(Settings.from_env({"STAGE": "local"})),
    )
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


def test_the_process_feeds_the_stream_function_and_goes_on_after_a_restart(
    table: Table, local_settings: Settings, tmp_path: Path
) -> None:
    notes = Notes(tmp_path)
    with pumping(table, local_settings, tmp_path) as process:
        table.put("a")
        assert wait_until(notes.has("a"), seconds=60)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
    table.put("b")
    with pumping(table, local_settings, tmp_path):
        assert wait_until(notes.has("b"), seconds=60)
    assert notes.names() == ["a", "b"]


def test_the_process_repeats_from_the_failed_record(
    table: Table, local_settings: Settings, tmp_path: Path
) -> None:
    notes = Notes(tmp_path)
    for name in ("a", "poison", "b"):
        table.put(name)
    with pumping(table, local_settings, tmp_path):
        table.put("last")
        assert wait_until(notes.has("last"), seconds=60)
        assert wait_until(lambda: notes.names().count("poison") == 4, seconds=60)
    seen = notes.names()
    assert seen.count("a") == 1
    assert seen.count("b") == seen.count("poison") == 4


def test_a_function_that_does_not_start_at_the_trim_horizon_is_refused(
    local_settings: Settings,
) -> None:
    app = Chalice("late")
    app.on_dynamodb_record("arn", starting_position="LATEST")(lambda event: None)
    [source] = stream_functions(app)
    with pytest.raises(ValueError, match="LATEST"):
        mapping_of(app, source, local_settings, None)
