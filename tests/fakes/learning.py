"""The learning centre's ports in memory; tests/contract/learning holds them to the real ones."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

from chalicelib.errors import StaleWrite, Unavailable
from chalicelib.learning.model import ChooseCourse, Course, CourseRow
from chalicelib.learning.ports import CoursePage, LearningChange
from chalicelib.purchasables import PurchaseState
from chalicelib.selling.codes import ChooseStatus, PublishStatus, is_plain_id
from chalicelib.selling.page_tokens import place_of, token_after

Pair = tuple[str, str]


class FakeLearningStore:
    """Implements `chalicelib.learning.ports.LearningStore`.

    ``commits`` are the changes that were written, one per transaction; ``batch_reads`` counts the
    reads of many rows.
    """

    def __init__(self) -> None:
        self.commits: list[LearningChange] = []
        self.batch_reads = 0
        self._courses: dict[str, Course] = {}
        self._records: dict[str, ChooseCourse] = {}
        self._rows: dict[Pair, CourseRow] = {}
        self._pending: dict[Pair, str] = {}
        self._write_ids: dict[str | Pair, str] = {}
        self._lock = threading.Lock()
        self._before_commit: list[Callable[[], object]] = []
        self._lose_answers = 0

    # what a test arranges

    def before_next_commit(self, competing: Callable[[], object]) -> None:
        """Let somebody else be faster: runs between the next decision and its write."""
        self._before_commit.append(competing)

    def lose_next_answer(self) -> None:
        """The next commit is written, but its writer hears nothing."""
        self._lose_answers += 1

    @property
    def records(self) -> tuple[ChooseCourse, ...]:
        """All choose-course records, oldest first."""
        return tuple(self._records.values())

    # the port

    def course(self, course_id: str) -> Course | None:
        return self._courses.get(course_id)

    def published(self, *, size: int, page_token: str | None) -> CoursePage:
        after = "" if page_token is None else place_of(page_token)
        found = [
            course
            for course_id, course in sorted(self._courses.items())
            if course_id > after and course.publish_status is PublishStatus.PUBLISHED
        ]
        more = len(found) > size
        return CoursePage(
            courses=tuple(found[:size]),
            next_token=token_after(found[size - 1].course_id) if more else None,
        )

    def put_course(self, course: Course) -> None:
        self._courses[course.course_id] = course

    def choose_course(self, choose_course_id: str) -> ChooseCourse | None:
        return self._records.get(choose_course_id) if is_plain_id(choose_course_id) else None

    def pending(self, user_id: str, course_id: str) -> ChooseCourse | None:
        with self._lock:
            record_id = self._pending.get((user_id, course_id))
            record = self._records[record_id] if record_id is not None else None
        awaits = record is not None and record.status is ChooseStatus.AWAITING_PAYMENT
        return record if awaits else None

    def course_row(self, user_id: str, course_id: str) -> CourseRow | None:
        return self._rows.get((user_id, course_id))

    def course_rows(self, user_id: str) -> tuple[CourseRow, ...]:
        return tuple(row for (owner, _), row in self._rows.items() if owner == user_id)

    def course_rows_of(self, user_id: str, course_ids: Collection[str]) -> Mapping[str, CourseRow]:
        self.batch_reads += 1
        rows = {course_id: self._rows.get((user_id, course_id)) for course_id in course_ids}
        return {course_id: row for course_id, row in rows.items() if row is not None}

    def commit(self, change: LearningChange) -> None:
        if self._before_commit:
            self._before_commit.pop(0)()
        with self._lock:
            if self._holds(change):
                self._write(change)
            elif not self._is_there(change):
                raise StaleWrite
        if self._lose_answers:
            self._lose_answers -= 1
            raise Unavailable

    def _holds(self, change: LearningChange) -> bool:
        record, row = change.choose_course, change.course_row
        if record is not None:
            have = self._records.get(record.choose_course_id)
            if record.version != (have.version if have else 0):
                return False
            pair = (record.user_id, record.course_id)
            if change.open_pending and pair in self._pending:
                return False
            if change.while_row_version not in (None, self._row_version(pair)):
                return False
        return row is None or row.version == self._row_version((row.user_id, row.course_id))

    def _row_version(self, pair: Pair) -> int:
        row = self._rows.get(pair)
        return row.version if row else 0

    def _write(self, change: LearningChange) -> None:
        record, row = change.choose_course, change.course_row
        if record is not None:
            pair = (record.user_id, record.course_id)
            self._records[record.choose_course_id] = replace(record, version=record.version + 1)
            self._write_ids[record.choose_course_id] = change.write_id
            if change.open_pending:
                self._pending[pair] = record.choose_course_id
            if change.close_pending and self._pending.get(pair) == record.choose_course_id:
                del self._pending[pair]
        if row is not None:
            pair = (row.user_id, row.course_id)
            self._rows[pair] = replace(row, version=row.version + 1)
            self._write_ids[pair] = change.write_id
        self.commits.append(change)

    def _is_there(self, change: LearningChange) -> bool:
        record, row = change.choose_course, change.course_row
        if record is not None:
            return self._write_ids.get(record.choose_course_id) == change.write_id
        return row is not None and (
            self._write_ids.get((row.user_id, row.course_id)) == change.write_id
        )


class FakePurchases:
    """Implements `chalicelib.purchasables.Purchases`: ``paid`` has the business ids paid for."""

    def __init__(self) -> None:
        self.paid: set[str] = set()

    def state_of(self, out_business_id: str) -> PurchaseState:
        return PurchaseState.PAID if out_business_id in self.paid else PurchaseState.NOT_PAID
