"""The routes that tell what a student may learn."""

from __future__ import annotations

import pytest

from chalicelib.learning.grants import Granting
from tests.unit.learning.builders import STUDENT, a_pay_result
from tests.unit.learning.calls import answer, call, refusal

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
