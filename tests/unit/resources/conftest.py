"""The whole app on study materials of fakes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from chalice.test import Client

from app import app
from chalicelib import wiring
from chalicelib.auth import User
from chalicelib.errors import Unauthenticated
from chalicelib.resources.downloads import MaterialDownloads
from chalicelib.resources.shelf import MaterialShelf
from chalicelib.selling.codes import PublishStatus
from tests.fakes.resources import FakeMaterialFiles
from tests.unit.resources.builders import Library, a_free_material, a_material


class KnownStudents:
    """A token is the name of its student."""

    def verify(self, token: str) -> User:
        if not token.startswith("student-"):
            raise Unauthenticated
        return User(token)


@pytest.fixture
def files() -> FakeMaterialFiles:
    return FakeMaterialFiles()


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch, files: FakeMaterialFiles) -> Library:
    library = Library(
        a_free_material("3001"),
        a_material("3002"),
        a_material("3005", publish_status=PublishStatus.UNPUBLISHED),
        a_material("3006", publish_status=PublishStatus.OFFLINE),
    )
    downloads = MaterialDownloads(
        store=library.store, files=files, clock=library.clock, valid_for=timedelta(minutes=5)
    )
    monkeypatch.setattr(wiring, "material_choosing", lambda: library.choosing)
    monkeypatch.setattr(wiring, "material_shelf", lambda: MaterialShelf(library.store))
    monkeypatch.setattr(wiring, "material_downloads", lambda: downloads)
    monkeypatch.setattr(wiring, "token_verifier", KnownStudents)
    return library


@pytest.fixture
def client(library: Library) -> Iterator[Client]:
    with Client(app) as client:
        yield client
