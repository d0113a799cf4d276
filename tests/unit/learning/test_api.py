"""The routes of the learning centre, through the whole app."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from chalice.test import Client, HTTPResponse

from app import app
from chalicelib import wiring
from chalicelib.auth import User
from chalicelib.errors import Unauthenticated
from chalicelib.learning.grants import Granting
from chalicelib.learning.model import PublishStatus
from tests.unit.learning.builders import (
    STUDENT,
    School,
    a_course,
    a_free_course,
    a_pay_result,
)

ROW_FIELDS = {
    "id",
    "chooseCourseId",
    "userId",
    "courseId",
    "companyId",
    "courseName",
    "courseType",
    "createDate",
    "validtimeStart",
    "validtimeEnd",
    "updateDate",
    "remarks",
    "learnDate",
    "learnStatus",
}
FORM = "application/x-www-form-urlencoded"


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


def call(
    client: Client,
    method: str,
    path: str,
    *,
    body: bytes = b"",
    token: str | None = STUDENT,
    content_type: str | None = None,
) -> HTTPResponse:
    headers = {}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    if content_type is not None:
        headers["Content-Type"] = content_type
    return client.http.request(method, path, headers=headers, body=body)


def answer(response: HTTPResponse) -> dict[str, Any]:
    assert response.status_code == 200, response.body
    assert response.headers["Cache-Control"] == "no-store"
    return json.loads(response.body)


def refusal(response: HTTPResponse) -> tuple[int, str, str]:
    error = json.loads(response.body)
    assert set(error) == {"errCode", "errMessage", "requestId"}
    return response.status_code, error["errCode"], error["errMessage"]


def test_choosing_a_paid_course_answers_the_record_that_awaits_payment(client):
    body = answer(call(client, "POST", "/learning/choosecourse/1002"))

    assert re.fullmatch(r"[0-9]+", body.pop("id"))
    assert body == {
        "courseId": "1002",
        "courseName": "支付接入实战",
        "userId": STUDENT,
        "companyId": "22",
        "orderType": "700002",
        "createDate": "2026-03-01 12:00:00",
        "coursePrice": "9.90",
        "coursePriceFen": 990,
        "validDays": 365,
        "status": "701002",
        "validtimeStart": None,
        "validtimeEnd": None,
        "remarks": None,
        "learnStatus": "702002",
    }


def test_choosing_a_free_course_answers_the_record_that_opened_it(client):
    body = answer(call(client, "POST", "/learning/choosecourse/1001"))

    assert (body["orderType"], body["status"], body["learnStatus"]) == (
        "700001",
        "701001",
        "702001",
    )
    assert (body["coursePrice"], body["coursePriceFen"]) == ("0.00", 0)
    assert body["validtimeStart"] == "2026-03-01 12:00:00"
    assert body["validtimeEnd"] == "2026-08-28 12:00:00"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", None),
        (b"", FORM),
        (b"", "text/plain;charset=UTF-8"),
        (b"", "application/json"),
        (b"price=0.01&userId=student-2&status=701001", FORM),
        (
            b'{"coursePrice": 0.01, "userId": "student-2", "status": "701001"}',
            "application/json; charset=utf-8",
        ),
        (b"{not json", "application/json"),
        (b"\xff\xfe", "application/json"),
    ],
)
def test_a_body_changes_nothing(client, body, content_type):
    plain = answer(call(client, "POST", "/learning/choosecourse/1002"))

    response = call(
        client, "POST", "/learning/choosecourse/1002", body=body, content_type=content_type
    )

    assert answer(response) == plain


def test_a_body_of_an_unknown_kind_is_refused(client, school):
    response = call(
        client, "POST", "/learning/choosecourse/1002", body=b"<a/>", content_type="text/xml"
    )

    assert refusal(response)[:2] == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert school.store.commits == []


def test_an_unknown_course_is_not_found(client):
    response = call(client, "POST", "/learning/choosecourse/4711")

    assert refusal(response) == (404, "NOT_FOUND", "课程不存在")


def test_an_unpublished_course_is_refused(client, school):
    response = call(client, "POST", "/learning/choosecourse/1005")

    assert refusal(response) == (409, "NOT_FOR_SALE", "课程尚未发布，暂不能选课")
    assert school.store.commits == []


def test_a_course_that_is_being_opened_says_so(client, school):
    record = answer(call(client, "POST", "/learning/choosecourse/1002"))
    school.purchases.paid.add(record["id"])

    response = call(client, "POST", "/learning/choosecourse/1002")

    assert refusal(response) == (409, "COURSE_BEING_OPENED", "订单已支付，正在开通")


@pytest.mark.parametrize("path", ["choosecourse", "choosecourse/learnstatus", "learnrecord"])
@pytest.mark.parametrize("course_id", ["a%23b", "a" * 65, "%E8%AF%BE"])
def test_a_text_that_is_no_course_id_is_refused(client, path, course_id):
    response = call(client, "POST", f"/learning/{path}/{course_id}")

    assert refusal(response) == (400, "INVALID_REQUEST", "课程编号无效")


every_route = pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/learning/choosecourse/1001"),
        ("POST", "/learning/choosecourse/learnstatus/1001"),
        ("GET", "/learning/choosecourse/learnstatus/1001"),
        ("POST", "/learning/learnrecord/1001"),
        ("GET", "/learning/mycoursetable"),
    ],
)


@every_route
def test_no_route_answers_without_a_token(client, school, method, path):
    assert call(client, method, path, token=None).status_code == 401
    assert school.store.commits == []


@every_route
def test_no_route_answers_to_a_bad_token(client, school, method, path):
    """The exception is what makes the gateway answer 401 by itself."""
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        call(client, method, path, token="nobody")
    assert school.store.commits == []


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_learn_status_of_a_course_not_chosen_has_every_field_null(client, method):
    body = answer(call(client, method, "/learning/choosecourse/learnstatus/1002"))

    assert set(body) == ROW_FIELDS
    assert body.pop("learnStatus") == "702002"
    assert set(body.values()) == {None}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_learn_status_of_an_open_course_has_its_row(client, school, method):
    record = answer(call(client, "POST", "/learning/choosecourse/1002"))
    Granting(school.store).grant(a_pay_result(record["id"]))

    body = answer(call(client, method, "/learning/choosecourse/learnstatus/1002"))

    assert body == {
        "id": f"{STUDENT}-1002",
        "chooseCourseId": record["id"],
        "userId": STUDENT,
        "courseId": "1002",
        "companyId": "22",
        "courseName": "支付接入实战",
        "courseType": "700002",
        "createDate": "2026-03-01 12:00:00",
        "validtimeStart": "2026-03-01 12:00:00",
        "validtimeEnd": "2027-03-01 12:00:00",
        "updateDate": "2026-03-01 12:00:00",
        "remarks": None,
        "learnDate": None,
        "learnStatus": "702001",
    }


def test_the_learn_status_of_an_expired_course(client, school):
    call(client, "POST", "/learning/choosecourse/1001")
    school.clock.advance(days=180)

    body = answer(call(client, "GET", "/learning/choosecourse/learnstatus/1001"))

    assert body["learnStatus"] == "702003"


def test_learning_is_noted_with_its_time(client, school):
    call(client, "POST", "/learning/choosecourse/1001")
    school.clock.advance(minutes=90)

    noted = answer(call(client, "POST", "/learning/learnrecord/1001"))
    table = answer(call(client, "GET", "/learning/mycoursetable"))

    assert noted["learnDate"] == "2026-03-01 13:30:00"
    assert table["items"] == [noted]


def test_learning_a_course_not_chosen_is_not_found(client, school):
    response = call(client, "POST", "/learning/learnrecord/1001")

    assert refusal(response) == (404, "NOT_FOUND", "您还没有选择该课程，或尚未支付")
    assert school.store.commits == []


def test_learning_an_expired_course_is_refused(client, school):
    call(client, "POST", "/learning/choosecourse/1001")
    school.clock.advance(days=181)

    response = call(client, "POST", "/learning/learnrecord/1001")

    assert refusal(response) == (409, "CONFLICT", "课程已过期，请续期后再学习")
    assert len(school.store.commits) == 1


def test_the_course_table_of_a_new_student_is_empty(client):
    body = answer(call(client, "GET", "/learning/mycoursetable"))

    assert body == {"items": [], "counts": 0, "page": 1, "pageSize": 10}


def test_the_course_table_shows_the_callers_courses_alone(client):
    call(client, "POST", "/learning/choosecourse/1001")
    call(client, "POST", "/learning/choosecourse/1001", token="student-2")

    body = answer(call(client, "GET", "/learning/mycoursetable?courseType=700001&page=1&size=50"))

    assert body["counts"] == 1
    assert [item["userId"] for item in body["items"]] == [STUDENT]
    assert set(body["items"][0]) == ROW_FIELDS


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("page=0", "page"),
        ("page=-1", "page"),
        ("page=1.5", "page"),
        ("page=%D9%A3", "page"),
        ("page=99999999999999999999", "page"),
        ("size=0", "size"),
        ("size=51", "size"),
        ("size=all", "size"),
        ("courseType=700003", "courseType"),
        ("sortType=3", "sortType"),
        ("expiresType=0", "expiresType"),
        ("page=1&page=2", "page"),
    ],
)
def test_an_unknown_or_excessive_parameter_is_refused_by_name(client, query, names):
    status, code, message = refusal(call(client, "GET", f"/learning/mycoursetable?{query}"))

    assert (status, code) == (400, "INVALID_REQUEST")
    assert f"参数 {names} " in message
