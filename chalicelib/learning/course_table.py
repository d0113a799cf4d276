"""My course table (我的课程表): which rows a query shows, in which order, page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import TypeVar

from chalicelib.errors import InvalidRequest
from chalicelib.learning.model import CourseRow, LearnStatus
from chalicelib.paging import DEFAULT_PAGE_SIZE, page_number, page_size
from chalicelib.selling.codes import ChooseType

EXPIRING_SOON = timedelta(days=30)
_NEVER = datetime.min.replace(tzinfo=UTC)

_E = TypeVar("_E", ChooseType, "SortType", "ExpiresType")


class SortType(IntEnum):
    """What a table is sorted by, newest first."""

    LEARN_TIME = 1
    JOIN_TIME = 2


class ExpiresType(IntEnum):
    """Which rows a table is cut down to."""

    EXPIRING_SOON = 1
    EXPIRED = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class TableQuery:
    """What a user asks of their course table; None does not filter."""

    course_type: ChooseType | None = None
    expires_type: ExpiresType | None = None
    sort_type: SortType = SortType.JOIN_TIME
    page: int = 1
    size: int = DEFAULT_PAGE_SIZE


@dataclass(frozen=True, slots=True, kw_only=True)
class TableItem:
    """One row that is shown, and what it allows at the moment of the query."""

    row: CourseRow
    learn_status: LearnStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseTablePage:
    """One page; ``counts`` is the number of rows on all pages."""

    items: tuple[TableItem, ...]
    counts: int
    page: int
    page_size: int


def parse_table_query(params: Mapping[str, str]) -> TableQuery:
    """Read the query string of ``mycoursetable``; an absent or empty parameter has its default.

    Raises
    ------
    InvalidRequest
        A value is unknown or out of range; the message names the parameter.
    """
    sort_type = _choice(params, "sortType", SortType)
    return TableQuery(
        course_type=_choice(params, "courseType", ChooseType),
        expires_type=_choice(params, "expiresType", ExpiresType),
        sort_type=SortType.JOIN_TIME if sort_type is None else sort_type,
        page=page_number(params),
        size=page_size(params),
    )


def table_page(rows: Iterable[CourseRow], query: TableQuery, now: datetime) -> CourseTablePage:
    """Filter, sort and cut; rows without a live grant are never shown."""
    shown = sorted((row for row in rows if _matches(row, query, now)), key=_by_course)
    shown.sort(key=_sort_key(query.sort_type), reverse=True)
    first = (query.page - 1) * query.size
    return CourseTablePage(
        items=tuple(
            TableItem(row=row, learn_status=row.learn_status(now))
            for row in shown[first : first + query.size]
        ),
        counts=len(shown),
        page=query.page,
        page_size=query.size,
    )


def _matches(row: CourseRow, query: TableQuery, now: datetime) -> bool:
    newest, end = row.newest, row.valid_to
    if newest is None or end is None:
        return False
    if query.course_type is not None and newest.choose_type is not query.course_type:
        return False
    match query.expires_type:
        case ExpiresType.EXPIRING_SOON:
            return now < end <= now + EXPIRING_SOON
        case ExpiresType.EXPIRED:
            return end <= now
        case None:
            return True


def _by_course(row: CourseRow) -> str:
    return row.course_id


def _sort_key(sort_type: SortType) -> Callable[[CourseRow], datetime]:
    """Newest first; a course that was never learnt counts from when it was joined."""
    if sort_type is SortType.LEARN_TIME:
        return lambda row: row.learned_at or row.joined_at or _NEVER
    return lambda row: row.joined_at or _NEVER


def _choice(params: Mapping[str, str], name: str, choices: type[_E]) -> _E | None:
    text = params.get(name, "")
    if not text:
        return None
    for choice in choices:
        if text == str(choice.value):
            return choice
    allowed = "、".join(str(choice.value) for choice in choices)
    raise InvalidRequest(f"参数 {name} 只能是 {allowed}", detail=f"{name}={text!r}")
