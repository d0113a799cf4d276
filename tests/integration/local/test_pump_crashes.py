from __future__ import annotations

import os
import random
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from chalicelib.settings import Settings
from infra.local.processes.children import wait_until
from infra.local.services.dynamodb import DynamoDB
from tests.integration.local.streamed_table import Notes, Table, pumping

pytestmark = pytest.mark.usefixtures("aws_credentials")

SECONDS = 60


@pytest.fixture
def table(local_settings: Settings) -> Iterator[Table]:
    made = Table(local_settings)
    yield made
    made.drop()


def checkpoint_file(folder: Path) -> Path:
    [file] = (folder / "checkpoints").glob("*.json")
    return file


def test_a_pump_that_is_killed_between_invocation_and_checkpoint_delivers_again(
    table: Table, local_settings: Settings, tmp_path: Path
) -> None:
    notes = Notes(tmp_path)
    with pumping(table, local_settings, tmp_path):
        table.put("a")
        assert wait_until(notes.has("a"), seconds=SECONDS)
        assert wait_until(lambda: any(tmp_path.glob("checkpoints/*.json")), seconds=SECONDS)
    file = checkpoint_file(tmp_path)
    before = file.read_bytes()
    # Nobody reads this pipe: whoever opens it to write a checkpoint waits for ever.
    draft = file.with_suffix(".draft")
    os.mkfifo(draft)
    with pumping(table, local_settings, tmp_path) as process:
        table.put("b")
        table.put("c")
        assert wait_until(notes.has("b"), seconds=SECONDS)
        process.kill()
        process.wait()
    assert file.read_bytes() == before
    draft.unlink()
    with pumping(table, local_settings, tmp_path):
        assert wait_until(notes.has("b", "c"), seconds=SECONDS)
        assert wait_until(lambda: notes.names().count("b") == 2, seconds=SECONDS)
    assert notes.names().count("a") == 1


def test_a_pump_that_is_killed_again_and_again_misses_nothing(
    table: Table, local_settings: Settings, tmp_path: Path
) -> None:
    notes = Notes(tmp_path)
    chance = random.Random(7)
    put: list[str] = []
    for _ in range(5):
        with pumping(table, local_settings, tmp_path) as process:
            for _ in range(chance.randint(1, 15)):
                put.append(uuid.uuid4().hex)
                table.put(put[-1])
            some = notes.has(put[chance.randrange(len(put))])
            assert wait_until(some, seconds=SECONDS)
            process.kill()
    with pumping(table, local_settings, tmp_path):
        assert wait_until(notes.has(*put), seconds=SECONDS)
    first_deliveries = list(dict.fromkeys(notes.names()))
    assert first_deliveries == put


def test_a_checkpoint_file_that_was_cut_off_delivers_all_again(
    table: Table, local_settings: Settings, tmp_path: Path
) -> None:
    notes = Notes(tmp_path)
    with pumping(table, local_settings, tmp_path):
        table.put("a")
        assert wait_until(notes.has("a"), seconds=SECONDS)
        assert wait_until(lambda: any(tmp_path.glob("checkpoints/*.json")), seconds=SECONDS)
    file = checkpoint_file(tmp_path)
    file.write_bytes(file.read_bytes()[:-5])
    table.put("b")
    with pumping(table, local_settings, tmp_path):
        assert wait_until(notes.has("b"), seconds=SECONDS)
    assert notes.names() == ["a", "a", "b"]


def test_a_pump_outlives_a_restart_of_its_engine_and_delivers_what_is_written_then(
    local_settings: Settings, tmp_path: Path
) -> None:
    engine = DynamoDB(tmp_path / "engine")
    engine.start()
    try:
        own = replace(local_settings, dynamodb_endpoint_url=engine.endpoint_url)
        table = Table(own)
        notes = Notes(tmp_path)
        with pumping(table, own, tmp_path):
            names = [f"before{number}" for number in range(9)]
            for name in names:
                table.put(name)
            assert wait_until(notes.has(*names), seconds=SECONDS)
            engine.restart()
            # The stream is shorter now than the position at which it was read before.
            table.put("after")
            assert wait_until(notes.has("after"), seconds=SECONDS)
        assert notes.names().count("after") == 1
    finally:
        engine.stop()
