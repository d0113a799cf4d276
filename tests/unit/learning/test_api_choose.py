"""The route that adds a course, and the doors of all routes."""

from __future__ import annotations

import re

import pytest

from tests.unit.learning.builders import STUDENT
from tests.unit.learning.calls import answer, call, refusal

FORM = "application/x-www-form-urlencoded"


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

    assert refusal(response) == (409, "NOT_FOR_SALE", "课程尚未发布，暂不可选购")
    assert school.store.commits == []


def test_a_course_that_is_being_opened_says_so(client, school):
    record = answer(call(client, "POST", "/learning/choosecourse/1002"))
    school.purchases.paid.add(record["id"])

    response = call(client, "POST", "/learning/choosecourse/1002")

    assert refusal(response) == (409, "GOODS_BEING_OPENED", "订单已支付，正在开通")


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
