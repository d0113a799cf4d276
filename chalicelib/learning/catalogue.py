"""The catalogue as a user sees it: what courses there are, and how far this user is with each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.clock import Clock
from chalicelib.errors import NotForSale, NotFound
from chalicelib.learning.model import Course, CourseRow, LearnStatus
from chalicelib.learning.offer import Offer, offer_of
from chalicelib.learning.ports import LearningStore
from chalicelib.paging import DEFAULT_PAGE_SIZE, page_size


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueQuery:
    """Which published courses to show; no ``page_token`` shows the first."""

    size: int = DEFAULT_PAGE_SIZE
    page_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownCourse:
    """A course and its user.

    ``offer`` is what it can be chosen for now; without one ``not_for_sale`` says why, as choosing
    would. ``valid_to`` is when the user's time for it ends, None when there never was any.
    ``renewable`` is whether choosing it again would open it for longer.
    """

    course: Course
    offer: Offer | None
    not_for_sale: str | None
    learn_status: LearnStatus
    valid_to: datetime | None
    renewable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CataloguePage:
    """Some published courses, by id; ``next_token`` leads on, None at the end."""

    items: tuple[ShownCourse, ...]
    next_token: str | None


def parse_catalogue_query(params: Mapping[str, str]) -> CatalogueQuery:
    """Read the query of the catalogue; an absent or empty parameter has its default.

    Raises
    ------
    InvalidRequest
        The size is out of range.
    """
    return CatalogueQuery(size=page_size(params), page_token=params.get("pageToken") or None)


class Catalogue:
    """Shows courses to a user. Changes nothing."""

    def __init__(self, *, store: LearningStore, clock: Clock, renew_window: timedelta) -> None:
        self._store = store
        self._clock = clock
        self._renew_window = renew_window

    def page(self, user_id: str, query: CatalogueQuery) -> CataloguePage:
        """Some published courses, by id; a change of the catalogue may show a moment late.

        Raises
        ------
        InvalidRequest
            The page token is none.
        """
        found = self._store.published(size=query.size, page_token=query.page_token)
        rows = self._store.course_rows_of(user_id, [each.course_id for each in found.courses])
        now = self._clock.now()
        return CataloguePage(
            items=tuple(
                self._shown(each, rows.get(each.course_id) or _no_row(user_id, each), now)
                for each in found.courses
            ),
            next_token=found.next_token,
        )

    def course(self, user_id: str, course_id: str) -> ShownCourse:
        """One course, also when it is offline: whoever bought it finds it.

        Raises
        ------
        NotFound
            There is no such course.
        """
        course = self._store.course(course_id)
        if course is None:
            raise NotFound("课程不存在", detail=f"course {course_id}")
        row = self._store.course_row(user_id, course_id)
        return self._shown(course, row or _no_row(user_id, course), self._clock.now())

    def _shown(self, course: Course, row: CourseRow, now: datetime) -> ShownCourse:
        offer, refusal = _offer_or_why_not(course)
        was_bought = row.newest is not None
        return ShownCourse(
            course=course,
            offer=offer,
            not_for_sale=refusal,
            learn_status=row.learn_status(now),
            valid_to=row.valid_to,
            renewable=(was_bought and offer is not None and row.renewable(now, self._renew_window)),
        )


def _no_row(user_id: str, course: Course) -> CourseRow:
    return CourseRow(user_id=user_id, course_id=course.course_id)


def _offer_or_why_not(course: Course) -> tuple[Offer | None, str | None]:
    try:
        return offer_of(course), None
    except NotForSale as refusal:
        return None, refusal.message
