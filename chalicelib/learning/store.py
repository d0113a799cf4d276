"""`LearningStore` on DynamoDB: every change is one conditional transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from pynamodb.expressions.condition import Condition
from pynamodb.transactions import TransactWrite

from chalicelib.dynamo import ConditionFailed, Dynamo, found_or_none, repeating, understood
from chalicelib.errors import StaleWrite
from chalicelib.learning.model import ChooseCourse, Course, CourseRow
from chalicelib.learning.ports import CoursePage, LearningChange
from chalicelib.learning.rows import (
    ON_SHELF,
    ChooseCourseItem,
    CourseItem,
    CourseTableItem,
    PendingItem,
    PublishedIndex,
    to_choose_course,
    to_course,
    to_course_row,
    to_map,
)
from chalicelib.selling.codes import ChooseStatus, PublishStatus, is_plain_id
from chalicelib.selling.page_tokens import place_of, token_after


class DynamoLearningStore:
    """The catalogue, choose-course records with their pending guards, and my course table."""

    def __init__(self, dynamo: Dynamo) -> None:
        self._dynamo = dynamo
        self._courses = dynamo.bind(CourseItem)
        self._records = dynamo.bind(ChooseCourseItem)
        self._pending = dynamo.bind(PendingItem)
        self._rows = dynamo.bind(CourseTableItem)

    def course(self, course_id: str) -> Course | None:
        """One catalogue entry."""
        item = found_or_none(self._courses, course_id)
        return understood(to_course, item) if item is not None else None

    def published(self, *, size: int, page_token: str | None) -> CoursePage:
        """At most ``size`` published courses, by id; may lag behind by a moment."""
        after = None if page_token is None else self._courses.course_id > place_of(page_token)
        found = repeating(
            lambda: list(
                self._courses.query(
                    ON_SHELF,
                    range_key_condition=after,
                    index_name=PublishedIndex.Meta.index_name,
                    # one more than is shown tells whether there is a next page
                    limit=size + 1,
                )
            )
        )
        shown = tuple(understood(to_course, item) for item in found[:size])
        more = len(found) > size
        return CoursePage(
            courses=shown, next_token=token_after(shown[-1].course_id) if more else None
        )

    def put_course(self, course: Course) -> None:
        """Import one catalogue entry; an older one is replaced."""
        on_shelf = course.publish_status is PublishStatus.PUBLISHED
        item = self._courses(
            course_id=course.course_id,
            shelf=ON_SHELF if on_shelf else None,
            company_id=course.company_id,
            name=course.name,
            charge=course.charge,
            price_fen=course.price_fen,
            valid_days=course.valid_days,
            publish_status=course.publish_status,
        )
        repeating(item.save)

    def choose_course(self, choose_course_id: str) -> ChooseCourse | None:
        """One choose-course record; None also for a text that cannot be the id of one."""
        if not is_plain_id(choose_course_id):
            return None
        item = found_or_none(self._records, _record_key(choose_course_id))
        return understood(to_choose_course, item) if item is not None else None

    def pending(self, user_id: str, course_id: str) -> ChooseCourse | None:
        """The one record of a user and a course that awaits payment."""
        guard = found_or_none(self._pending, _pending_key(user_id, course_id))
        record = self.choose_course(guard.choose_course_id) if guard is not None else None
        if record is None or record.status is not ChooseStatus.AWAITING_PAYMENT:
            return None  # decided between the two reads, and the guard is gone with that
        return record

    def course_row(self, user_id: str, course_id: str) -> CourseRow | None:
        """One row of my course table."""
        item = found_or_none(self._rows, user_id, course_id)
        return understood(to_course_row, item) if item is not None else None

    def course_rows(self, user_id: str) -> tuple[CourseRow, ...]:
        """All rows of a user's course table."""
        found = repeating(lambda: list(self._rows.query(user_id, consistent_read=True)))
        return tuple(understood(to_course_row, item) for item in found)

    def course_rows_of(self, user_id: str, course_ids: Collection[str]) -> Mapping[str, CourseRow]:
        """The rows of these courses in a user's course table, by course id."""
        keys = [(user_id, each) for each in set(course_ids)]
        found = repeating(lambda: list(self._rows.batch_get(keys, consistent_read=True)))
        return {item.course_id: understood(to_course_row, item) for item in found}

    def commit(self, change: LearningChange) -> None:
        """Write a change in one transaction; a change that is already there is left alone."""
        closing = change.choose_course if self._closes_guard(change) else None
        try:
            self._dynamo.transact(lambda transaction: self._add(transaction, change, closing))
        except ConditionFailed as failed:
            # the answer to our own write may have been lost, and the write repeated below us
            if not self._is_there(change):
                raise StaleWrite(detail=str(failed)) from failed

    def _closes_guard(self, change: LearningChange) -> bool:
        """A guard that names another record is not this record's to give back."""
        record = change.choose_course
        if not change.close_pending or record is None:
            return False
        guard = found_or_none(self._pending, _pending_key(record.user_id, record.course_id))
        return guard is not None and guard.choose_course_id == record.choose_course_id

    def _add(
        self, transaction: TransactWrite, change: LearningChange, closing: ChooseCourse | None
    ) -> None:
        record, row = change.choose_course, change.course_row
        if record is not None:
            self._write_record(transaction, record, change.write_id)
        if record is not None and change.open_pending:
            guard = self._guard(record)
            transaction.save(guard, condition=self._pending.key.does_not_exist())
        if closing is not None:
            mine = self._pending.choose_course_id == closing.choose_course_id
            transaction.delete(self._guard(closing), condition=mine)
        if row is not None:
            self._write_row(transaction, row, change.write_id)
        elif record is not None and change.while_row_version is not None:
            transaction.condition_check(
                self._rows,
                record.user_id,
                record.course_id,
                condition=self._row_is_at(change.while_row_version),
            )

    def _write_record(
        self, transaction: TransactWrite, record: ChooseCourse, write_id: str
    ) -> None:
        model = self._records
        new = model.key.does_not_exist()
        transaction.update(
            model(_record_key(record.choose_course_id)),
            actions=[
                model.choose_course_id.set(record.choose_course_id),
                model.user_id.set(record.user_id),
                model.course_id.set(record.course_id),
                model.course_name.set(record.course_name),
                model.company_id.set(record.company_id),
                model.choose_type.set(record.choose_type),
                model.price_fen.set(record.price_fen),
                model.valid_days.set(record.valid_days),
                model.status.set(record.status),
                model.created_at.set(record.created_at),
                *([model.paid_at.set(record.paid_at)] if record.paid_at is not None else []),
                model.version.set(record.version + 1),
                model.write_id.set(write_id),
            ],
            condition=new if record.version == 0 else model.version == record.version,
        )

    def _write_row(self, transaction: TransactWrite, row: CourseRow, write_id: str) -> None:
        model = self._rows
        transaction.update(
            model(row.user_id, row.course_id),
            actions=[
                model.grants.set([to_map(grant) for grant in row.grants]),
                *([model.learned_at.set(row.learned_at)] if row.learned_at is not None else []),
                model.version.set(row.version + 1),
                model.write_id.set(write_id),
            ],
            condition=self._row_is_at(row.version),
        )

    def _row_is_at(self, version: int) -> Condition:
        if version == 0:
            return self._rows.user_id.does_not_exist()
        return self._rows.version == version

    def _guard(self, record: ChooseCourse) -> PendingItem:
        return self._pending(
            key=_pending_key(record.user_id, record.course_id),
            choose_course_id=record.choose_course_id,
        )

    def _is_there(self, change: LearningChange) -> bool:
        record, row = change.choose_course, change.course_row
        item: ChooseCourseItem | CourseTableItem | None = None
        if record is not None:
            item = found_or_none(self._records, _record_key(record.choose_course_id))
        elif row is not None:
            item = found_or_none(self._rows, row.user_id, row.course_id)
        return item is not None and item.write_id == change.write_id


def _record_key(choose_course_id: str) -> str:
    return f"record#{choose_course_id}"


def _pending_key(user_id: str, course_id: str) -> str:
    """One key per pair, whatever a user id looks like: a course id has no ``#``."""
    return f"pending#{user_id}#{course_id}"
