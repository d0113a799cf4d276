"""Importing materials: which entries are good, and what is stored of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.money import Fen
from chalicelib.ops.import_file import CatalogueError
from chalicelib.ops.materials import import_materials
from chalicelib.resources.model import Material, MaterialFile
from chalicelib.selling.codes import Charge, PublishStatus
from chalicelib.settings import settings
from infra.local.catalogue import SAMPLE_MATERIALS as SAMPLE
from infra.ops.__main__ import main
from tests.fakes.resources import FakeMaterialFiles, FakeResourcesStore
from tests.unit.resources.import_desk import CONTENT, SHA256, Desk, an_entry


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_material_is_imported_with_its_file_under_its_hash(desk: Desk) -> None:
    report = desk.load(an_entry())

    key = f"materials/7001/{SHA256}.md"
    assert (report.imported, report.not_for_sale) == (1, {})
    assert desk.files.files == {key: (CONTENT, "text/markdown; charset=utf-8")}
    assert desk.store.material("7001") == Material(
        material_id="7001",
        company_id="22",
        name="对账手册",
        charge=Charge.PAID,
        price_fen=Fen(990),
        publish_status=PublishStatus.PUBLISHED,
        file=MaterialFile(
            key=key,
            name="对账手册.md",
            media_type="text/markdown; charset=utf-8",
            size_bytes=len(CONTENT),
            sha256=SHA256,
        ),
    )


def test_what_is_absent_stays_absent_and_is_not_for_sale(desk: Desk) -> None:
    report = desk.load(
        an_entry(id="1", charge=...),
        an_entry(id="2", price=...),
        an_entry(id="3", price="0"),
        an_entry(id="4", status="203001"),
        an_entry(id="5", status="203003"),
        an_entry(id="6", charge="201000", price=...),
    )

    assert report.imported == 6
    assert report.not_for_sale == {
        "1": "资料未设置收费规则，暂不可选购",
        "2": "收费资料未设置价格，暂不可购买",
        "3": "收费资料价格设置有误，暂不可购买",
        "4": "资料尚未发布，暂不可选购",
        "5": "资料已下线，暂不可选购",
    }


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("a.pdf", "application/pdf"),
        ("a.csv", "text/csv"),
        ("a.TXT", "text/plain"),
        ("a.tar.gz", "application/octet-stream"),
        ("a.unheard-of", "application/octet-stream"),
        ("README", "application/octet-stream"),
    ],
)
def test_name_and_media_type_follow_from_the_file(desk: Desk, name: str, media_type: str) -> None:
    desk.put(name, CONTENT)

    desk.load(an_entry(file=name, fileName=..., mediaType=...))

    material = desk.store.material("7001")
    assert material is not None
    assert (material.file.name, material.file.media_type) == (name, media_type)


@pytest.mark.parametrize(
    ("name", "ending"),
    [
        ("a.PDF", ".pdf"),
        ("README", ""),
        ("a.中文", ""),
        ("a.b c", ""),
        ("a." + "x" * 17, ""),
        (".hidden", ""),
    ],
)
def test_the_key_ends_as_the_file_does_when_that_is_plain(
    desk: Desk, name: str, ending: str
) -> None:
    desk.put(name, CONTENT)

    desk.load(an_entry(file=name))

    assert list(desk.files.files) == [f"materials/7001/{SHA256}{ending}"]


def test_an_import_is_safe_to_repeat(desk: Desk) -> None:
    desk.load(an_entry())
    before = (desk.store.material("7001"), dict(desk.files.files))

    desk.load(an_entry())

    assert (desk.store.material("7001"), desk.files.files) == before


def test_a_new_content_leaves_the_old_file_where_links_lead_to_it(desk: Desk) -> None:
    desk.load(an_entry())
    desk.put("files/notes.md", b"second edition")

    desk.load(an_entry())

    material = desk.store.material("7001")
    assert material is not None
    assert desk.files.files[material.file.key][0] == b"second edition"
    assert desk.files.files[f"materials/7001/{SHA256}.md"][0] == CONTENT


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"price": 9.9}, "Expected `str | null`, got `float` - at `$.price`"),
        ({"price": "9.999"}, "not an amount in yuan: '9.999' - at `$.price`"),
        ({"price": "100000000.01"}, "more than 100 million yuan: '100000000.01' - at `$.price`"),
        ({"charge": "201002"}, "Invalid enum value '201002' - at `$.charge`"),
        ({"status": ...}, "Object missing required field `status`"),
        ({"validDays": 365}, "Object contains unknown field `validDays`"),
        ({"file": ...}, "Object missing required field `file`"),
        ({"file": ""}, "Expected `str` of length >= 1 - at `$.file`"),
        ({"file": "none.md"}, "No such file or directory: 'none.md' - at `$.file`"),
        ({"file": "files"}, "not a regular file: 'files' - at `$.file`"),
        ({"file": "."}, "not inside the catalogue's folder: '.' - at `$.file`"),
        (
            {"file": "files/../files/notes.md"},
            "not inside the catalogue's folder: 'files/../files/notes.md' - at `$.file`",
        ),
        ({"file": "files/a\0b"}, "not the path of a file: 'files/a\\x00b' - at `$.file`"),
        ({"fileName": "a/b.md"}, "not the name of a file: 'a/b.md' - at `$.fileName`"),
        ({"fileName": "a\\b.md"}, "not the name of a file: 'a\\\\b.md' - at `$.fileName`"),
        ({"fileName": "a\r\nb"}, "not the name of a file: 'a\\r\\nb' - at `$.fileName`"),
        ({"fileName": "a\u202eb"}, "not the name of a file: 'a\\u202eb' - at `$.fileName`"),
        ({"id": "mine"}, "a route has this name: 'mine' - at `$.id`"),
        ({"id": "choose"}, "a route has this name: 'choose' - at `$.id`"),
    ],
)
def test_a_bad_entry_is_named_with_its_field(
    desk: Desk, changes: dict[str, Any], problem: str
) -> None:
    problems = desk.problems(an_entry(id="7000"), an_entry(**changes))

    assert problems == (f"entry 2 (id {changes.get('id', '7001')!r}): {problem}",)


@pytest.mark.parametrize(
    "media_type",
    [
        "text",
        "text/",
        "/plain",
        "text/plain\r\nX: 1",
        "text/plain; a",
        "文/本",
        "",
        "text/plain\n",
        "text/märk",
    ],
)
def test_what_is_no_media_type_is_refused(desk: Desk, media_type: str) -> None:
    (problem,) = desk.problems(an_entry(mediaType=media_type))

    assert problem.endswith("- at `$.mediaType`")


def test_every_problem_is_told_at_once(desk: Desk) -> None:
    problems = desk.problems(an_entry(price="x"), an_entry(), an_entry(), an_entry(file="none"))

    assert [problem.partition(": ")[0] for problem in problems] == [
        "entry 1 (id '7001')",
        "entry 3 (id '7001')",
        "entry 4 (id '7001')",
    ]


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"courses": []}', b"\xff"])
def test_a_text_that_is_no_catalogue_is_refused(desk: Desk, text: bytes) -> None:
    with pytest.raises(CatalogueError, match=r"^not a catalogue: "):
        desk.load_text(text)


# the sample, and the command line


def test_the_sample_has_materials_to_buy_and_materials_that_are_refused() -> None:
    store, files = FakeResourcesStore(), FakeMaterialFiles()

    report = import_materials(
        SAMPLE.read_bytes(), SAMPLE.parent, store=store, files=files, key_prefix="materials/"
    )

    assert report.imported == len(files.files) == 5
    assert report.not_for_sale == {
        "2004": "资料已下线，暂不可选购",
        "2005": "资料尚未发布，暂不可选购",
    }
    for content, media_type in files.files.values():
        assert media_type.endswith("charset=utf-8")
        assert len(content.decode("utf-8")) > 100


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> FakeResourcesStore:
    store = FakeResourcesStore()
    monkeypatch.setattr(wiring, "resources_store", lambda: store)
    monkeypatch.setattr(wiring, "material_files", FakeMaterialFiles)
    return store


def test_the_command_reports_counts(
    store: FakeResourcesStore, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["materials", "import", str(SAMPLE)]) == 0

    out = capsys.readouterr().out
    assert out.startswith("5 materials imported, 2 not for sale now\n")
    assert "2004: 资料已下线，暂不可选购" in out
    assert store.material("2001") is not None


def test_the_command_names_what_is_wrong_and_imports_nothing(
    store: FakeResourcesStore, capsys: pytest.CaptureFixture[str], desk: Desk
) -> None:
    entries = [an_entry(id="7000"), an_entry(file="../secret")]
    file = desk.put("catalogue.json", json.dumps({"materials": entries}).encode())

    assert main(["materials", "import", str(file)]) == 1

    assert "entry 2 (id '7001'): not inside the catalogue's folder" in capsys.readouterr().err
    assert store.material("7000") is None


def test_the_command_says_that_a_file_is_missing(
    store: FakeResourcesStore, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["materials", "import", str(tmp_path / "none.json")]) == 1

    assert "No such file" in capsys.readouterr().err


def test_the_command_says_that_a_file_changed_meanwhile(
    store: FakeResourcesStore,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    desk: Desk,
) -> None:
    class Shrinking(FakeMaterialFiles):
        def put(self, key: str, content: bytes, media_type: str) -> None:
            desk.put("files/notes.md", b"")

    monkeypatch.setattr(wiring, "material_files", Shrinking)
    entries = [an_entry(id="7000"), an_entry()]
    file = desk.put("catalogue.json", json.dumps({"materials": entries}).encode())

    assert main(["materials", "import", str(file)]) == 1

    assert "a part may be imported: import" in capsys.readouterr().err


def test_the_command_says_that_there_is_no_bucket(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(wiring, "resources_store", FakeResourcesStore)
    monkeypatch.delenv("MATERIALS_BUCKET", raising=False)
    settings.cache_clear()
    wiring.material_files.cache_clear()

    assert main(["materials", "import", str(SAMPLE)]) == 1

    assert "MATERIALS_BUCKET is not set" in capsys.readouterr().err
