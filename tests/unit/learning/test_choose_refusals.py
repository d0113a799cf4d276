"""Courses that cannot be chosen: a clear message, and nothing changes."""

from __future__ import annotations

import pytest

from chalicelib.errors import NotForSale, NotFound
from chalicelib.selling.codes import PublishStatus
from tests.unit.learning.builders import School, a_course


def test_an_unknown_course_is_not_found():
    school = School()

    with pytest.raises(NotFound) as refused:
        school.choose("4711")

    assert refused.value.message == "课程不存在"
    assert school.store.commits == []


@pytest.mark.parametrize(
    ("course", "message"),
    [
        (a_course(publish_status=PublishStatus.UNPUBLISHED), "课程尚未发布，暂不可选购"),
        (a_course(publish_status=PublishStatus.OFFLINE), "课程已下线，暂不可选购"),
        (a_course(charge=None), "课程未设置收费规则，暂不可选购"),
        (a_course(price_fen=None), "收费课程未设置价格，暂不可购买"),
        (a_course(price_fen=0), "收费课程价格设置有误，暂不可购买"),
        (a_course(price_fen=-1), "收费课程价格设置有误，暂不可购买"),
        (a_course(valid_days=None), "收费课程未设置有效期，暂不可购买"),
        (a_course(valid_days=0), "课程有效期设置有误，暂不可选购"),
        (a_course(valid_days=36_501), "课程有效期设置有误，暂不可选购"),
    ],
    ids=[
        "unpublished",
        "offline",
        "no charge",
        "no price",
        "price zero",
        "price negative",
        "no validity",
        "validity zero",
        "validity absurd",
    ],
)
def test_a_course_that_cannot_be_sold_is_refused_and_nothing_changes(course, message):
    school = School(course)

    with pytest.raises(NotForSale) as refused:
        school.choose()

    assert refused.value.message == message
    assert refused.value.http_status == 409
    assert school.store.commits == []


def test_a_pending_record_of_a_course_that_went_offline_is_refused():
    school = School(a_course())
    school.choose()
    school.store.put_course(a_course(publish_status=PublishStatus.OFFLINE))

    with pytest.raises(NotForSale):
        school.choose()
