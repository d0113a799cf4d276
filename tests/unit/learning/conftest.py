"""The whole app on a learning centre of fakes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from chalice.test import Client

from app import app
from chalicelib import wiring
from chalicelib.auth import User
from chalicelib.errors import Unauthenticated
from chalicelib.selling.codes import PublishStatus
from tests.unit.learning.builders import School, a_course, a_free_course


class KnownStudents:
    """A token is the name of its student."""

    def verify(self, token: str) -> User:
        if not token.startswith("student-"):
            raise Unauthenticated
        return User(token)


@pytest.fixture
def school(monkeypatch: pytest.MonkeyPatch) -> School:
    school = School(
        a_free_course("1001"),
        a_course("1002", price_fen=990, valid_days=365),
        a_course("1005", publish_status=PublishStatus.UNPUBLISHED),
    )
    monkeypatch.setattr(wiring, "learning", lambda: school.service)
    monkeypatch.setattr(wiring, "token_verifier", KnownStudents)
    return school


@pytest.fixture
def client(school: School) -> Iterator[Client]:
    with Client(app) as client:
        yield client
