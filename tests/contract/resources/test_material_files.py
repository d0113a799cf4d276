"""What the store of files promises, held by the fake and by S3."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from werkzeug.http import parse_options_header

from chalicelib.resources.files import S3MaterialFiles
from chalicelib.resources.ports import MaterialFiles
from chalicelib.settings import Settings
from tests.fakes.resources import FakeMaterialFiles

KEY = "materials/2001/handbook.md"
NAME = "对账手册.md"


@dataclass(frozen=True)
class Download:
    content: bytes
    name: str
    media_type: str


@dataclass(frozen=True)
class Shop:
    """A store of files, and what becomes of whoever follows one of its links."""

    files: MaterialFiles
    follow: Callable[[str], Download]


def followed_at_s3(url: str) -> Download:
    answer = httpx.get(url, trust_env=False).raise_for_status()
    kind, options = parse_options_header(answer.headers["content-disposition"])
    assert kind == "attachment"
    return Download(answer.content, options["filename"], answer.headers["content-type"])


def followed_at(fake: FakeMaterialFiles) -> Callable[[str], Download]:
    def follow(url: str) -> Download:
        parts = urlsplit(url)
        told = parse_qs(parts.query)
        content, _ = fake.files[parts.path.removeprefix("/")]
        return Download(content, told["name"][0], told["type"][0])

    return follow


@pytest.fixture(params=["fake", "s3"])
def shop(request: pytest.FixtureRequest) -> Shop:
    if request.param == "fake":
        fake = FakeMaterialFiles()
        return Shop(fake, followed_at(fake))
    settings = Settings.from_env(request.getfixturevalue("s3"))
    return Shop(S3MaterialFiles(settings), followed_at_s3)


def link(files: MaterialFiles) -> str:
    return files.link(
        KEY, file_name=NAME, media_type="text/markdown", valid_for=timedelta(minutes=5)
    )


def test_a_link_downloads_what_was_stored_under_the_name_that_was_asked_for(shop: Shop) -> None:
    shop.files.put(KEY, "# 对账".encode(), "text/plain")

    expected = Download("# 对账".encode(), NAME, "text/markdown")
    assert shop.follow(link(shop.files)) == expected


def test_the_same_key_again_replaces_the_file_also_for_older_links(shop: Shop) -> None:
    shop.files.put(KEY, b"first", "text/plain")
    older = link(shop.files)
    shop.files.put(KEY, b"second", "text/plain")

    assert shop.follow(older).content == b"second"
    assert shop.follow(link(shop.files)).content == b"second"
