"""A study material is bought, downloaded, given back, and refused; its links die."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import httpx
import pytest

from chalicelib.clock import SystemClock
from infra.local.catalogue import SAMPLE_MATERIALS
from infra.local.purchase.download import download
from infra.local.purchase.nine_steps import Purchase
from infra.local.purchase.person import Json, Person
from infra.local.purchase.steps import StepFailed
from infra.local.purchase.study_material import StudyMaterial
from tests.e2e.school import A_MATERIAL, School, do

_SECRET_PARTS = ("X-Amz-Signature", "X-Amz-Credential", "X-Amz-Security-Token")
_FREE = StudyMaterial("2003")

MoveClock = Callable[[timedelta], None]


@pytest.fixture
def s3_is_ahead(school: School) -> Iterator[MoveClock]:
    """Moves the clock by which S3 decides whether a link is still good."""
    if not school.stack.s3_url:
        pytest.skip("S3_ENDPOINT_URL names an S3 whose clock is not ours")
    clock = f"{school.stack.s3_url}/_control/clock"

    def move(ahead: timedelta) -> None:
        order = {"ahead_seconds": ahead.total_seconds()}
        httpx.post(clock, json=order).raise_for_status()

    yield move
    httpx.delete(clock).raise_for_status()


def test_a_material_is_bought_downloaded_given_back_and_refused(school: School) -> None:
    purchase = _bought(school)
    file, _ = A_MATERIAL.download(purchase.student)
    assert file.content == _sample_file(A_MATERIAL)

    *money_back, taken_back = school.refund(purchase).steps()
    do(*money_back)
    assert "answered 403" in taken_back.do()

    again = school.purchase(school.by_alipay(), goods=A_MATERIAL, user_id=purchase.shopper.user_id)
    do(*again.steps())
    assert again.order_id != purchase.order_id


def test_a_free_material_is_downloaded_at_once(school: School) -> None:
    student = school.purchase(school.by_alipay(), goods=_FREE).student
    student.log_in()

    record = student.asks("POST", f"/resources/choose/{_FREE.material_id}")

    assert (record["status"], record["owned"]) == ("701001", True)
    assert _FREE.is_open(student)
    file, _ = _FREE.download(student)
    assert file.content == _sample_file(_FREE)


def test_a_link_dies_after_its_time(school: School, s3_is_ahead: MoveClock) -> None:
    student = _bought(school).student
    given = A_MATERIAL.link(student)
    left = datetime.fromisoformat(given["expiresAt"]) - SystemClock().now()
    assert left <= timedelta(minutes=5)

    s3_is_ahead(left / 2)
    assert download(given["url"]).content == _sample_file(A_MATERIAL)

    s3_is_ahead(left + timedelta(seconds=2))
    with pytest.raises(StepFailed, match="403 AccessDenied: Request has expired"):
        download(given["url"])


def test_no_log_of_the_stack_has_what_downloads_a_file(
    school: School, s3_is_ahead: MoveClock
) -> None:
    """Neither that of a download nor that of one which is refused, forged, or too late."""
    student = _bought(school).student
    given: str = A_MATERIAL.link(student)["url"]
    parts = httpx.URL(given).params
    assert all(parts[name] for name in _SECRET_PARTS)

    download(given)
    _is_refused(given.replace("/2001/", "/2002/"))
    s3_is_ahead(timedelta(hours=1))
    _is_refused(given)
    _nobody_else_is_given_a_link(school)

    logs = {
        path.name: path.read_text("utf-8", errors="replace")
        for path in school.stack.part("api").log_path.parent.glob("*.log")
    }
    assert f"GET /resources/{A_MATERIAL.material_id}/download 200" in logs["api.log"]
    assert f"GET {httpx.URL(given).path} 200" in logs["s3.log"]
    assert f"GET {httpx.URL(given).path} 403" in logs["s3.log"]
    secrets = (*_SECRET_PARTS, parts["X-Amz-Signature"], parts["X-Amz-Security-Token"])
    assert [
        (name, secret) for name, log in logs.items() for secret in secrets if secret in log
    ] == []


def _bought(school: School) -> Purchase:
    purchase = school.purchase(school.by_wechat(), goods=A_MATERIAL)
    do(*purchase.steps())
    return purchase


def _sample_file(material: StudyMaterial) -> bytes:
    catalogue: list[Json] = json.loads(SAMPLE_MATERIALS.read_text("utf-8"))["materials"]
    [name] = [entry["file"] for entry in catalogue if entry["id"] == material.material_id]
    return (SAMPLE_MATERIALS.parent / str(name)).read_bytes()


def _is_refused(link: str) -> None:
    with pytest.raises(StepFailed, match="no download: 403"):
        download(link)


def _nobody_else_is_given_a_link(school: School) -> None:
    stranger: Person = school.purchase(school.by_alipay(), goods=A_MATERIAL).student
    stranger.log_in()
    path = f"/resources/{A_MATERIAL.material_id}/download"
    assert stranger.refusal_of("GET", path) == (403, "FORBIDDEN")
