from __future__ import annotations

import json
from pathlib import Path

import pytest

from infra.local.aws.checkpoints import FileCheckpoints

ARN = "arn:aws:dynamodb:ap-southeast-1:000000000000:table/outbox/stream/2026-01-01T00:00:00.000"


def written(folder: Path) -> Path:
    FileCheckpoints(folder, ARN).save("a", "7")
    [file] = folder.iterdir()
    return file


def test_positions_are_there_after_a_restart(tmp_path: Path) -> None:
    kept = FileCheckpoints(tmp_path, ARN)
    kept.save("a", "7")
    kept.save("b", "8")
    kept.save("a", "9")
    again = FileCheckpoints(tmp_path, ARN)
    assert [again.position(shard) for shard in "abc"] == ["9", "8", None]


def test_another_stream_has_positions_of_its_own(tmp_path: Path) -> None:
    written(tmp_path)
    assert FileCheckpoints(tmp_path, ARN + "1").position("a") is None


@pytest.mark.parametrize("share", [0, 0.5, 0.9])
def test_a_draft_that_a_crash_left_half_written_changes_nothing(
    tmp_path: Path, share: float
) -> None:
    file = written(tmp_path)
    text = json.dumps({"a": "8", "b": "9"})
    file.with_suffix(".draft").write_text(text[: int(len(text) * share)], encoding="utf-8")
    kept = FileCheckpoints(tmp_path, ARN)
    assert kept.position("a") == "7"
    kept.save("a", "8")
    assert FileCheckpoints(tmp_path, ARN).position("a") == "8"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    "document", [b"", b'{"a": "7', b"\xff\xfe", b"[]", b'{"a": 7}', b'{"a": ""}', b"\0" * 10]
)
def test_a_file_that_cannot_be_read_is_as_good_as_none(tmp_path: Path, document: bytes) -> None:
    written(tmp_path).write_bytes(document)
    kept = FileCheckpoints(tmp_path, ARN)
    assert kept.position("a") is None
    kept.save("b", "1")
    assert FileCheckpoints(tmp_path, ARN).position("b") == "1"
