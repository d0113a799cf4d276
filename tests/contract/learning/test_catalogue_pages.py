"""What every `LearningStore` promises of the pages of its catalogue, and of reading many rows."""

from __future__ import annotations

import base64

import pytest

from chalicelib.errors import InvalidRequest
from chalicelib.learning.ports import LearningChange, LearningStore
from chalicelib.selling.codes import PublishStatus
from tests.unit.learning.builders import STUDENT, a_course, a_free_course, a_grant, a_row

SEVEN = ("1", "1001", "1002", "11", "A", "_", "a")


def with_seven(store: LearningStore) -> LearningStore:
    """Seven published courses in the order of their ids' bytes, and others between them."""
    for course_id in reversed(SEVEN):
        store.put_course(a_course(course_id))
    store.put_course(a_course("1000", publish_status=PublishStatus.OFFLINE))
    store.put_course(a_course("B", publish_status=PublishStatus.UNPUBLISHED))
    return store


def all_pages(store: LearningStore, size: int) -> list[list[str]]:
    pages, token = [], None
    while True:
        page = store.published(size=size, page_token=token)
        pages.append([course.course_id for course in page.courses])
        token = page.next_token
        if token is None:
            return pages


def test_what_is_published_comes_by_id_and_every_one_once(store):
    assert all_pages(with_seven(store), 3) == [list(SEVEN[:3]), list(SEVEN[3:6]), [SEVEN[6]]]


def test_a_page_that_fits_exactly_has_none_after_it(store):
    assert all_pages(with_seven(store), 7) == [list(SEVEN)]


def test_an_empty_catalogue_is_one_empty_page(store):
    assert all_pages(store, 5) == [[]]


@pytest.mark.parametrize(
    "course", [a_free_course(valid_days=None), a_course(price_fen=None), a_course(charge=None)]
)
def test_a_page_has_whole_courses(store, course):
    store.put_course(course)

    assert store.published(size=5, page_token=None).courses == (course,)


def test_what_goes_offline_leaves_the_pages_and_comes_back(store):
    store.put_course(a_course())
    store.put_course(a_course(publish_status=PublishStatus.OFFLINE))
    assert all_pages(store, 5) == [[]]
    assert store.course("1002") == a_course(publish_status=PublishStatus.OFFLINE)

    store.put_course(a_course())
    assert all_pages(store, 5) == [["1002"]]


def test_a_page_goes_on_although_its_last_course_went_offline_meanwhile(store):
    with_seven(store)
    token = store.published(size=3, page_token=None).next_token
    store.put_course(a_course(SEVEN[2], publish_status=PublishStatus.OFFLINE))

    page = store.published(size=3, page_token=token)

    assert [course.course_id for course in page.courses] == list(SEVEN[3:6])


@pytest.mark.parametrize("place", [b"", b"{", b"[]", b'{"after": 1}', b'{"after": "a#b"}'])
def test_a_token_of_no_page_is_refused(store, place):
    token = base64.urlsafe_b64encode(place).decode().rstrip("=")

    with pytest.raises(InvalidRequest) as refused:
        store.published(size=3, page_token=token)

    assert refused.value.message == "参数 pageToken 有误"


def test_many_rows_are_read_at_once_and_what_is_not_there_is_left_out(store):
    rows = {}
    for number in range(60):
        row = a_row(a_grant(str(number)), course_id=str(number))
        store.commit(LearningChange(write_id=str(number), course_row=row))
        rows[str(number)] = store.course_row(STUDENT, str(number))
    other = a_row(a_grant("99"), user_id="student-2", course_id="99")
    store.commit(LearningChange(write_id="99", course_row=other))

    assert store.course_rows_of(STUDENT, [*rows, "98", "99", "1"]) == rows
    assert store.course_rows_of(STUDENT, []) == {}
