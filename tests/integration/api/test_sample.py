"""The samples of the local stack, imported into a deployment by the commands of operators."""

from __future__ import annotations

import json
import os

import pytest

from infra.local.catalogue import SAMPLE_MATERIALS, import_sample
from infra.local.processes.children import ROOT
from tests.integration.api.material_counter import Library
from tests.integration.api.shop import Shop

FREE, PAID = "2003", "2001"


@pytest.fixture(autouse=True)
def _in_the_project(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def test_courses_and_materials_are_imported_and_importing_again_changes_nothing(
    shop: Shop,
) -> None:
    told = import_sample(os.environ)
    before = shop.tables.snapshot()

    assert "8 courses imported, 4 not for sale now" in told
    assert "5 materials imported, 2 not for sale now" in told
    assert import_sample(os.environ) == told
    assert shop.tables.snapshot() == before


def test_a_free_one_of_the_sample_is_downloaded_as_it_lies_on_the_disk(shop: Shop) -> None:
    import_sample(os.environ)
    library, student = Library(shop), shop.student()
    entries = json.loads(SAMPLE_MATERIALS.read_bytes())["materials"]
    (entry,) = [entry for entry in entries if entry["id"] == FREE]

    assert library.choose(student, FREE).ok()["owned"] is True
    told = library.download(student, FREE).ok()

    assert (
        library.fetched(told["url"]).content
        == (SAMPLE_MATERIALS.parent / entry["file"]).read_bytes()
    )
    assert (told["fileName"], told["mediaType"]) == (entry["fileName"], entry["mediaType"])
    assert library.download(student, PAID).status == 403


def test_without_a_bucket_the_materials_are_left_out_and_that_is_said(shop: Shop) -> None:
    env = {name: value for name, value in os.environ.items() if name != "MATERIALS_BUCKET"}

    told = import_sample(env)

    assert "8 courses imported" in told
    assert told.endswith("no materials imported: MATERIALS_BUCKET is not set")


def test_a_command_that_fails_says_why(shop: Shop) -> None:
    with pytest.raises(RuntimeError, match="S3: "):
        import_sample({**os.environ, "S3_ENDPOINT_URL": "http://127.0.0.1:1"})
