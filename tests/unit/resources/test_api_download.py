"""The route that hands out links: to whom, for which file, and that no log has one."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from chalice.test import Client

from chalicelib import wiring
from chalicelib.observability import logger
from chalicelib.resources.downloads import MaterialDownloads
from chalicelib.resources.files import S3MaterialFiles
from chalicelib.selling.codes import PublishStatus
from chalicelib.settings import Settings
from tests.fakes.resources import FakeMaterialFiles
from tests.unit.learning.calls import answer, call, refusal
from tests.unit.resources.builders import NAME, STUDENT, Library, a_material

DOWNLOAD = "/resources/3002/download"
NOT_BOUGHT = (403, "FORBIDDEN", "您还没有购买该资料")


def own(library: Library) -> str:
    record_id = library.chosen_id("3002")
    library.pay(record_id)
    return record_id


def test_an_owner_gets_a_link_and_what_it_leads_to(
    client: Client, library: Library, files: FakeMaterialFiles
) -> None:
    own(library)

    body = answer(call(client, "GET", DOWNLOAD))

    (link,) = files.links
    assert body == {
        "url": link,
        "expiresAt": "2026-03-01T12:05:00+08:00",
        "fileName": f"{NAME}.pdf",
        "mediaType": "application/pdf",
        "sizeBytes": 48_128,
        "sha256": "ab" * 32,
    }
    assert f"materials/3002/{'ab' * 32}?" in link
    assert "seconds=300" in link


def test_a_free_material_is_downloaded_once_it_is_chosen(client: Client) -> None:
    assert refusal(call(client, "GET", "/resources/3001/download")) == NOT_BOUGHT
    call(client, "POST", "/resources/choose/3001")

    assert answer(call(client, "GET", "/resources/3001/download"))["sizeBytes"] == 48_128


@pytest.mark.parametrize("status", [PublishStatus.OFFLINE, PublishStatus.UNPUBLISHED])
def test_what_was_bought_is_downloaded_also_when_it_is_sold_no_more(
    client: Client, library: Library, status: PublishStatus
) -> None:
    own(library)
    library.store.put_material(a_material("3002", publish_status=status, charge=None))

    assert answer(call(client, "GET", DOWNLOAD))["fileName"] == f"{NAME}.pdf"


def test_a_new_edition_is_what_its_owner_downloads(client: Client, library: Library) -> None:
    own(library)
    library.store.put_material(a_material("3002", sha256="cd" * 32))

    body = answer(call(client, "GET", DOWNLOAD))

    assert body["sha256"] == "cd" * 32
    assert "cd" * 32 in body["url"]


def test_whoever_has_not_bought_it_gets_no_link(
    client: Client, library: Library, files: FakeMaterialFiles
) -> None:
    assert refusal(call(client, "GET", DOWNLOAD)) == NOT_BOUGHT
    record_id = library.chosen_id("3002")
    assert refusal(call(client, "GET", DOWNLOAD)) == NOT_BOUGHT
    library.pay(record_id)
    assert refusal(call(client, "GET", DOWNLOAD, token="student-2")) == NOT_BOUGHT
    assert files.links == []


def test_whoever_has_given_it_back_gets_no_link(
    client: Client, library: Library, files: FakeMaterialFiles
) -> None:
    library.refund(own(library))

    assert refusal(call(client, "GET", DOWNLOAD)) == NOT_BOUGHT
    assert files.links == []


def test_an_unknown_material_is_not_found_before_anybody_asks_who_owns_it(client: Client) -> None:
    response = call(client, "GET", "/resources/4711/download")

    assert refusal(response) == (404, "NOT_FOUND", "资料不存在")


def test_the_value_with_the_link_does_not_tell_it_in_its_text(
    library: Library, files: FakeMaterialFiles
) -> None:
    own(library)

    link = wiring.material_downloads().link(STUDENT, "3002")

    assert link.url == files.links[0]
    assert link.url not in repr(link)
    assert link.url not in str(link)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, library: Library) -> None:
    """Links are made by the SDK, under temporary credentials."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "not-a-secret",
        "AWS_SESSION_TOKEN": "a-session-token",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    files = S3MaterialFiles(Settings.from_env({"MATERIALS_BUCKET": "school-materials"}))
    downloads = MaterialDownloads(
        store=library.store, files=files, clock=library.clock, valid_for=timedelta(minutes=5)
    )
    monkeypatch.setattr(wiring, "material_downloads", lambda: downloads)


@pytest.mark.usefixtures("aws")
def test_no_log_of_a_download_can_be_used_to_download(
    client: Client,
    library: Library,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever any logger says, at the level that says the most."""
    own(library)
    monkeypatch.setattr(logger._logger, "propagate", True)
    level = logger.level
    with caplog.at_level(logging.DEBUG):
        logger.setLevel(logging.DEBUG)
        body = answer(call(client, "GET", DOWNLOAD))
        call(client, "GET", DOWNLOAD, token="student-2")
    logger.setLevel(level)

    assert "X-Amz-Signature=" in body["url"]
    assert "a-session-token" in body["url"]
    told = [f"{record.name} {record.getMessage()} {vars(record)}" for record in caplog.records]
    assert any("refused" in line for line in told), "our own lines are among them"
    signature = body["url"].partition("X-Amz-Signature=")[2].partition("&")[0]
    for secret in (body["url"], signature, "X-Amz-", "a-session-token", "not-a-secret"):
        assert [line for line in told if secret in line] == []
