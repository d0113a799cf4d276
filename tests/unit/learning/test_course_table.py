"""My course table: filters, order and pages."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.errors import InvalidRequest
from chalicelib.learning.course_table import (
    CourseTablePage,
    ExpiresType,
    SortType,
    TableQuery,
    parse_table_query,
    table_page,
)
from chalicelib.learning.model import CourseRow, LearnStatus
from chalicelib.selling.codes import ChooseType
from tests.fakes.clock import START
from tests.unit.learning.builders import a_grant, a_row

DAY = timedelta(days=1)
NOW = START + 100 * DAY


def ending(course_id: str, end_in: timedelta) -> CourseRow:
    return a_row(a_grant(paid_at=NOW + end_in - 365 * DAY), course_id=course_id)


def ids(page: CourseTablePage) -> list[str]:
    return [item.row.course_id for item in page.items]


def shown(rows: list[CourseRow], query: TableQuery) -> list[str]:
    return ids(table_page(rows, query, NOW))


TERMS = [
    ending("expired long ago", -200 * DAY),
    ending("expired now", timedelta(0)),
    ending("ends in a moment", timedelta(microseconds=1)),
    ending("ends in 30 days", 30 * DAY),
    ending("ends later", 30 * DAY + timedelta(microseconds=1)),
]


def test_expiring_soon_means_within_30_days_and_not_expired():
    query = TableQuery(expires_type=ExpiresType.EXPIRING_SOON)

    assert set(shown(TERMS, query)) == {"ends in a moment", "ends in 30 days"}


def test_expired_courses_can_be_shown_alone():
    query = TableQuery(expires_type=ExpiresType.EXPIRED)

    assert set(shown(TERMS, query)) == {"expired long ago", "expired now"}


def test_without_a_filter_expired_courses_are_shown_too_and_say_so():
    page = table_page(TERMS, TableQuery(), NOW)

    assert page.counts == 5
    expired = {i.row.course_id for i in page.items if i.learn_status is LearnStatus.EXPIRED}
    assert expired == {"expired long ago", "expired now"}


def test_courses_are_told_apart_by_their_kind():
    rows = [
        a_row(a_grant(choose_type=ChooseType.FREE), course_id="free"),
        a_row(a_grant(choose_type=ChooseType.PAID), course_id="paid"),
    ]

    assert shown(rows, TableQuery(course_type=ChooseType.FREE)) == ["free"]
    assert shown(rows, TableQuery(course_type=ChooseType.PAID)) == ["paid"]


def test_a_row_without_a_live_grant_is_hidden_and_not_counted():
    rows = [a_row(a_grant(revoked=True), course_id="refunded"), a_row(course_id="empty")]

    page = table_page(rows, TableQuery(), NOW)

    assert (page.items, page.counts) == ((), 0)


def test_the_table_is_sorted_by_join_time_newest_first():
    rows = [
        a_row(a_grant(paid_at=START), course_id="old"),
        a_row(a_grant(paid_at=START + DAY), course_id="new", learned_at=START + DAY),
    ]

    assert shown(rows, TableQuery()) == ["new", "old"]
    assert shown(rows, TableQuery(sort_type=SortType.JOIN_TIME)) == ["new", "old"]


def test_the_table_is_sorted_by_learn_time_and_by_join_time_where_never_learnt():
    rows = [
        a_row(a_grant(paid_at=START), course_id="learnt last", learned_at=START + 9 * DAY),
        a_row(a_grant(paid_at=START + 2 * DAY), course_id="learnt first", learned_at=START),
        a_row(a_grant(paid_at=START + 5 * DAY), course_id="never learnt"),
    ]

    query = TableQuery(sort_type=SortType.LEARN_TIME)

    assert shown(rows, query) == ["learnt last", "never learnt", "learnt first"]


def test_a_renewal_does_not_change_the_join_time():
    rows = [
        a_row(a_grant("1"), a_grant("2", paid_at=START + 9 * DAY), course_id="renewed"),
        a_row(a_grant(paid_at=START + DAY), course_id="joined later"),
    ]

    assert shown(rows, TableQuery()) == ["joined later", "renewed"]


@given(st.integers(0, 60), st.integers(1, 50), st.sampled_from(SortType), st.randoms())
def test_the_pages_together_are_the_table(number, size, sort_type, chance):
    """Also when all joined at the same moment, and whatever order the store has."""
    rows = [a_row(a_grant(), course_id=f"{n:03}") for n in range(number)]
    chance.shuffle(rows)
    seen: list[str] = []
    page_number = 1
    while True:
        query = TableQuery(page=page_number, size=size, sort_type=sort_type)
        page = table_page(rows, query, NOW)
        assert (page.counts, page.page, page.page_size) == (number, page_number, size)
        if not page.items:
            break
        seen += ids(page)
        page_number += 1

    assert seen == [f"{n:03}" for n in range(number)]


def test_an_empty_query_has_the_defaults():
    assert parse_table_query({}) == TableQuery(
        course_type=None, expires_type=None, sort_type=SortType.JOIN_TIME, page=1, size=10
    )


def test_empty_parameters_do_not_filter():
    names = ("courseType", "sortType", "expiresType", "page", "size")

    assert parse_table_query(dict.fromkeys(names, "")) == TableQuery()


def test_every_parameter_is_read():
    query = parse_table_query(
        {
            "courseType": "700001",
            "sortType": "1",
            "expiresType": "2",
            "page": "3",
            "size": "50",
            "startIndex": "ignored",
        }
    )

    assert query == TableQuery(
        course_type=ChooseType.FREE,
        sort_type=SortType.LEARN_TIME,
        expires_type=ExpiresType.EXPIRED,
        page=3,
        size=50,
    )


def test_a_refusal_names_the_parameter_and_what_it_may_be():
    with pytest.raises(InvalidRequest) as refused:
        parse_table_query({"courseType": "free"})

    assert refused.value.message == "参数 courseType 只能是 700001、700002"
