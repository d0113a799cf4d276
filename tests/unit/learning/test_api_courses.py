"""The routes that show what courses there are, and how far the caller is with each."""

from __future__ import annotations

from typing import Any

import pytest
from chalice.test import Client

from chalicelib.learning.grants import Granting
from chalicelib.learning.revocations import Revoking
from chalicelib.selling.codes import PublishStatus
from tests.fakes.clock import START
from tests.unit.learning.builders import (
    School,
    a_course,
    a_free_course,
    a_pay_result,
    a_refund_result,
)
from tests.unit.learning.calls import answer, call, refusal

COURSES = "/learning/courses"
FREE = {
    "courseId": "1001",
    "courseName": "支付接入实战",
    "companyId": "22",
    "charge": "201000",
    "price": None,
    "priceFen": None,
    "validDays": 180,
    "publishStatus": "203002",
    "notForSale": None,
    "learnStatus": "702002",
    "validtimeEnd": None,
    "renewable": False,
}
PAID = FREE | {
    "courseId": "1002",
    "charge": "201001",
    "price": "9.90",
    "priceFen": 990,
    "validDays": 365,
}


def one(client: Client, course_id: str = "1002", student: str = "student-1") -> dict[str, Any]:
    return answer(call(client, "GET", f"{COURSES}/{course_id}", token=student))


def buy(school: School, course_id: str = "1002") -> str:
    record_id = school.choose(course_id).record.choose_course_id
    paid = a_pay_result(record_id, paid_at=school.clock.now())
    Granting(school.store).grant(paid)
    return record_id


def test_the_catalogue_shows_what_is_published_by_id(client: Client) -> None:
    assert answer(call(client, "GET", COURSES)) == {"items": [FREE, PAID], "nextPageToken": None}


def test_one_course_is_shown_as_in_the_catalogue(client: Client, school: School) -> None:
    buy(school)
    listed = answer(call(client, "GET", COURSES))["items"]
    assert [one(client, "1001"), one(client, "1002")] == listed


def test_the_caller_sees_how_far_they_are_and_nobody_else_does(
    client: Client, school: School
) -> None:
    record_id = school.choose().record.choose_course_id
    assert one(client) == PAID
    Granting(school.store).grant(a_pay_result(record_id))
    bought = PAID | {"learnStatus": "702001", "validtimeEnd": "2027-03-01 12:00:00"}
    assert one(client) == bought
    assert answer(call(client, "GET", COURSES))["items"] == [FREE, bought]
    assert one(client, student="student-2") == PAID
    assert answer(call(client, "GET", COURSES, token="student-2"))["items"] == [FREE, PAID]


def test_an_expired_course_says_when_it_ended_and_can_be_renewed(
    client: Client, school: School
) -> None:
    buy(school)
    school.clock.advance(days=366)
    assert one(client) == PAID | {
        "learnStatus": "702003",
        "validtimeEnd": "2027-03-01 12:00:00",
        "renewable": True,
    }


@pytest.mark.parametrize(("days", "renewable"), [(0, False), (334, False), (336, True)])
def test_a_course_can_be_renewed_when_choosing_it_would(
    client: Client, school: School, days: int, renewable: bool
) -> None:
    first = buy(school)
    school.clock.advance(days=days)
    assert one(client)["renewable"] is renewable
    assert (school.choose().record.choose_course_id != first) is renewable


def test_a_course_that_was_refunded_is_as_one_never_chosen(client: Client, school: School) -> None:
    record_id = buy(school)
    Revoking(school.store).revoke(a_refund_result(record_id))
    assert one(client) == PAID


@pytest.mark.parametrize(
    ("course", "published", "says"),
    [
        (a_course("7", publish_status=PublishStatus.OFFLINE), False, "课程已下线，暂不可选购"),
        (
            a_course("7", publish_status=PublishStatus.UNPUBLISHED),
            False,
            "课程尚未发布，暂不可选购",
        ),
        (a_course("7", price_fen=None), True, "收费课程未设置价格，暂不可购买"),
        (a_course("7", charge=None), True, "课程未设置收费规则，暂不可选购"),
        (a_course("7", valid_days=None), True, "收费课程未设置有效期，暂不可购买"),
    ],
)
def test_what_is_not_for_sale_says_why_as_choosing_would(
    client: Client, school: School, course, published: bool, says: str
) -> None:
    school.store.put_course(course)
    shown = one(client, "7")
    assert (shown["notForSale"], shown["publishStatus"]) == (says, course.publish_status)
    assert shown["validDays"] == course.valid_days
    refused = refusal(call(client, "POST", "/learning/choosecourse/7"))
    assert refused == (409, "NOT_FOR_SALE", says)
    listed = answer(call(client, "GET", COURSES))["items"]
    assert ("7" in [item["courseId"] for item in listed]) is published


def test_who_bought_a_course_that_went_offline_finds_it_and_cannot_renew(
    client: Client, school: School
) -> None:
    buy(school)
    school.store.put_course(a_course(price_fen=990, publish_status=PublishStatus.OFFLINE))
    school.clock.advance(days=360)
    shown = one(client)
    assert (shown["learnStatus"], shown["renewable"]) == ("702001", False)
    assert shown["notForSale"] == "课程已下线，暂不可选购"


def test_a_free_course_shows_the_validity_that_choosing_it_gives(
    client: Client, school: School
) -> None:
    school.store.put_course(a_free_course("9", valid_days=None))
    shown = one(client, "9")
    chosen = answer(call(client, "POST", "/learning/choosecourse/9"))
    assert shown["validDays"] == chosen["validDays"] == 365


def test_the_catalogue_is_walked_page_by_page_with_one_read_of_rows_each(
    client: Client, school: School
) -> None:
    for number in range(1007, 1012):
        school.store.put_course(a_free_course(str(number)))
    seen, target = [], f"{COURSES}?size=3"
    while target:
        body = answer(call(client, "GET", target))
        seen.append([item["courseId"] for item in body["items"]])
        token = body["nextPageToken"]
        target = f"{COURSES}?size=3&pageToken={token}" if token else ""

    assert seen == [["1001", "1002", "1007"], ["1008", "1009", "1010"], ["1011"]]
    assert school.store.batch_reads == 3


def test_showing_changes_nothing(client: Client, school: School) -> None:
    answer(call(client, "GET", COURSES))
    one(client)
    assert school.store.commits == []
    assert school.clock.now() == START


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("size=0", "参数 size 应为 1 到 50 的整数"),
        ("size=51", "参数 size 应为 1 到 50 的整数"),
        ("pageToken=x", "参数 pageToken 有误"),
        ("size=1&size=2", "参数 size 重复"),
    ],
)
def test_a_wrong_parameter_is_named(client: Client, query: str, says: str) -> None:
    response = call(client, "GET", f"{COURSES}?{query}")

    assert refusal(response) == (400, "INVALID_REQUEST", says)


def test_an_empty_parameter_is_an_absent_one(client: Client) -> None:
    assert answer(call(client, "GET", f"{COURSES}?size=&pageToken=")) == answer(
        call(client, "GET", COURSES)
    )


def test_an_unknown_course_is_not_found_and_a_strange_id_is_refused(client: Client) -> None:
    unknown = call(client, "GET", f"{COURSES}/404")
    assert refusal(unknown) == (404, "NOT_FOUND", "课程不存在")
    strange = call(client, "GET", f"{COURSES}/a%23b")
    assert refusal(strange) == (400, "INVALID_REQUEST", "课程编号无效")


@pytest.mark.parametrize("path", [COURSES, f"{COURSES}/1002"])
def test_nobody_sees_courses_without_a_token(client: Client, path: str) -> None:
    assert call(client, "GET", path, token=None).status_code == 401
