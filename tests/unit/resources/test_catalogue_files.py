"""Importing materials: which files are published, and what a killed import leaves."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from chalicelib.errors import Unavailable
from chalicelib.ops.materials import MAX_FILE_BYTES, FileChanged
from tests.fakes.resources import FakeMaterialFiles
from tests.unit.resources.import_desk import CONTENT, SHA256, Desk, an_entry


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_file_outside_of_the_catalogues_folder_is_never_published(
    desk: Desk, tmp_path: Path
) -> None:
    outside = tmp_path / "private.txt"
    outside.write_bytes(b"private")
    (desk.folder / "link.txt").symlink_to(outside)
    (desk.folder / "linked").symlink_to(tmp_path)
    beside = tmp_path / "catalogue-of-others"
    beside.mkdir()
    (beside / "a.txt").write_bytes(b"private")

    for file in (
        "../private.txt",
        str(outside),
        str(desk.folder / "files" / "notes.md"),
        "link.txt",
        "linked/private.txt",
        "../catalogue-of-others/a.txt",
    ):
        (problem,) = desk.problems(an_entry(file=file))
        assert problem.startswith("entry 1 (id '7001'): not inside the catalogue's folder: ")


def test_a_link_that_stays_inside_is_followed(desk: Desk) -> None:
    (desk.folder / "link.md").symlink_to("files/notes.md")

    desk.load(an_entry(file="link.md"))

    assert list(desk.files.files) == [f"materials/7001/{SHA256}.md"]


def test_a_loop_of_links_is_refused(desk: Desk) -> None:
    (desk.folder / "loop").symlink_to("loop")

    (problem,) = desk.problems(an_entry(file="loop"))

    assert problem.endswith("- at `$.file`")


def test_a_pipe_is_refused_and_not_waited_for(desk: Desk) -> None:
    os.mkfifo(desk.folder / "pipe")

    (problem,) = desk.problems(an_entry(file="pipe"))

    assert "not a regular file" in problem


@pytest.mark.parametrize("size", [0, MAX_FILE_BYTES + 1])
def test_a_file_that_is_empty_or_too_large_is_refused(desk: Desk, size: int) -> None:
    with desk.put("sparse", b"").open("wb") as file:
        file.truncate(size)

    (problem,) = desk.problems(an_entry(file="sparse"))

    assert f"{size} bytes, not from 1 to {MAX_FILE_BYTES}" in problem


class Unsure(FakeMaterialFiles):
    """S3 that stops answering after some files."""

    def __init__(self, answers: int) -> None:
        super().__init__()
        self._answers = answers

    def put(self, key: str, content: bytes, media_type: str) -> None:
        if not self._answers:
            raise Unavailable
        self._answers -= 1
        super().put(key, content, media_type)


def test_an_import_that_dies_leaves_no_row_without_its_file(desk: Desk) -> None:
    desk.files = Unsure(answers=1)
    entries = [an_entry(id="7000"), an_entry(id="7001")]

    with pytest.raises(Unavailable):
        desk.load(*entries)

    first = desk.store.material("7000")
    assert first is not None
    assert first.file.key in desk.files.files
    assert desk.store.material("7001") is None
    desk.files = FakeMaterialFiles()
    assert desk.load(*entries).imported == 2


@pytest.mark.parametrize("later", [None, b"", b"x" * (MAX_FILE_BYTES + 1)])
def test_a_file_that_changes_under_the_import_stores_no_row_for_itself(
    desk: Desk, later: bytes | None
) -> None:
    second = desk.put("files/second.md", CONTENT)

    class Meanwhile(FakeMaterialFiles):
        def put(self, key: str, content: bytes, media_type: str) -> None:
            super().put(key, content, media_type)
            second.unlink() if later is None else second.write_bytes(later)

    desk.files = Meanwhile()

    with pytest.raises(FileChanged, match=r"second\.md"):
        desk.load(an_entry(id="7000"), an_entry(file="files/second.md"))

    assert desk.store.material("7000") is not None
    assert desk.store.material("7001") is None
