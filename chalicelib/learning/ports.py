"""What the learning centre needs of the world; wiring chooses who provides it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from chalicelib.learning.model import ChooseCourse, Course, CourseRow


class Numbers(Protocol):
    """Mints choose-course numbers."""

    def next_number(self) -> str:
        """A number that no other container mints, as decimal text of at most 19 digits.

        Raises
        ------
        Unavailable
            No worker id can be leased now.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningChange:
    """What becomes true together, in one transaction.

    Records carry the version that was read: the write holds only while the stored version is
    still that one (0: not stored yet), and stores it plus one. ``open_pending`` takes the guard
    that allows one pending choose-course record per user and course, ``close_pending`` gives it
    back if it names that record. ``while_row_version`` holds a decision to the course row that it
    was made on: the row of the choose-course record's user and course must still have that
    version (0: no such row). Repeating a change whose answer was lost is safe.
    """

    write_id: str
    choose_course: ChooseCourse | None = None
    course_row: CourseRow | None = None
    open_pending: bool = False
    close_pending: bool = False
    while_row_version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CoursePage:
    """Some published courses, by id; ``next_token`` leads on, None at the end."""

    courses: tuple[Course, ...]
    next_token: str | None


class LearningStore(Protocol):
    """Keeps the catalogue, choose-course records and my course table.

    Reads are consistent, but for `published`.
    """

    def course(self, course_id: str) -> Course | None:
        """One catalogue entry."""
        ...

    def published(self, *, size: int, page_token: str | None) -> CoursePage:
        """At most ``size`` published courses, by id; may lag behind by a moment.

        Raises
        ------
        InvalidRequest
            The token is none.
        """
        ...

    def put_course(self, course: Course) -> None:
        """Import one catalogue entry; an older one is replaced."""
        ...

    def choose_course(self, choose_course_id: str) -> ChooseCourse | None:
        """One choose-course record."""
        ...

    def pending(self, user_id: str, course_id: str) -> ChooseCourse | None:
        """The one record of a user and a course that awaits payment."""
        ...

    def course_row(self, user_id: str, course_id: str) -> CourseRow | None:
        """One row of my course table."""
        ...

    def course_rows(self, user_id: str) -> tuple[CourseRow, ...]:
        """All rows of a user's course table."""
        ...

    def course_rows_of(self, user_id: str, course_ids: Collection[str]) -> Mapping[str, CourseRow]:
        """The rows of these courses in a user's course table, by course id."""
        ...

    def commit(self, change: LearningChange) -> None:
        """Write a change.

        Raises
        ------
        StaleWrite
            A version moved on, or a pending record is there already: read again and decide
            again. Nothing was written.
        Unavailable
            The database did not answer; the change may have been written, and repeating is safe.
        """
        ...
