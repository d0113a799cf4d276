"""Adding a course (选课): one click or many, one record.

Which record a click gets:

* the user may learn the course and its end is not near: the record that opened it;
* a record awaits payment: that one, with today's terms (an order freezes its own);
* otherwise a new one: free courses are granted in the same transaction, paid ones await payment.

A decision is written on condition of everything that it rests on: the version of the course
row, and the guard that allows one pending record per user and course. Whoever loses reads again.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chalicelib.clock import Clock
from chalicelib.errors import GoodsBeingOpened, NotFound, StaleWrite, Unavailable
from chalicelib.learning.model import ChooseCourse, Course, CourseRow, LearnStatus
from chalicelib.learning.offer import Offer, offer_of
from chalicelib.learning.ports import LearningChange, LearningStore, Numbers
from chalicelib.optimistic import until_written
from chalicelib.purchasables import Purchases, PurchaseState
from chalicelib.selling.codes import ChooseStatus, ChooseType


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A choose-course record, and the course row as it is beside it."""

    record: ChooseCourse
    row: CourseRow
    learn_status: LearnStatus


class Choosing:
    """Decides what a click on "add course" means."""

    def __init__(
        self,
        *,
        store: LearningStore,
        purchases: Purchases,
        numbers: Numbers,
        clock: Clock,
        renew_window: timedelta,
    ) -> None:
        self._store = store
        self._purchases = purchases
        self._numbers = numbers
        self._clock = clock
        self._renew_window = renew_window

    def choose(self, user_id: str, course_id: str) -> Chosen:
        """The record that serves this user for this course; one transaction at most.

        Raises
        ------
        NotFound
            There is no such course.
        NotForSale
            The course cannot be chosen now; the message says why.
        GoodsBeingOpened
            It is paid for already, and the grant is on its way.
        """
        return until_written(lambda: self._choose(user_id, course_id))

    def _choose(self, user_id: str, course_id: str) -> Chosen:
        course = self._store.course(course_id)
        if course is None:
            raise NotFound("课程不存在", detail=f"course {course_id}")
        pending = self._store.pending(user_id, course_id)
        if pending is not None:
            self._require_unpaid(pending)
        row = self._store.course_row(user_id, course_id)
        row = row or CourseRow(user_id=user_id, course_id=course_id)
        now = self._clock.now()
        if not row.renewable(now, self._renew_window):
            return _chosen(self._record_behind(row), row, now)
        offer = offer_of(course)
        if offer.choose_type is ChooseType.FREE:
            return self._grant_free(course, offer, row, now)
        if pending is not None:
            return _chosen(self._repriced(pending, course, offer), row, now)
        return self._await_payment(course, offer, row, now)

    def _require_unpaid(self, pending: ChooseCourse) -> None:
        if self._purchases.state_of(pending.choose_course_id) is PurchaseState.PAID:
            raise GoodsBeingOpened(detail=f"choose-course record {pending.choose_course_id}")

    def _record_behind(self, row: CourseRow) -> ChooseCourse:
        grant = row.newest
        assert grant is not None, "a row without a live grant can be chosen anew"
        record = self._store.choose_course(grant.choose_course_id)
        if record is None:
            raise Unavailable(detail=f"a grant without its record: {grant}")
        if record.status is ChooseStatus.REFUNDED:
            raise StaleWrite(detail=f"{grant.choose_course_id} was refunded between the two reads")
        return record

    def _grant_free(self, course: Course, offer: Offer, row: CourseRow, now: datetime) -> Chosen:
        record = self._new_record(course, offer, row, now).chosen(now, offer.valid_days)
        granted = row.with_grant(record.grant())
        self._store.commit(
            LearningChange(write_id=secrets.token_hex(8), choose_course=record, course_row=granted)
        )
        return _chosen(record, granted, now)

    def _await_payment(self, course: Course, offer: Offer, row: CourseRow, now: datetime) -> Chosen:
        record = self._new_record(course, offer, row, now)
        self._store.commit(
            LearningChange(
                write_id=secrets.token_hex(8),
                choose_course=record,
                open_pending=True,
                while_row_version=row.version,
            )
        )
        return _chosen(record, row, now)

    def _repriced(self, pending: ChooseCourse, course: Course, offer: Offer) -> ChooseCourse:
        """The pending record with today's terms, stored when they changed."""
        today = replace(
            pending,
            course_name=course.name,
            company_id=course.company_id,
            price_fen=offer.price_fen,
            valid_days=offer.valid_days,
        )
        if today != pending:
            self._store.commit(LearningChange(write_id=secrets.token_hex(8), choose_course=today))
        return today

    def _new_record(
        self, course: Course, offer: Offer, row: CourseRow, now: datetime
    ) -> ChooseCourse:
        return ChooseCourse(
            choose_course_id=self._numbers.next_number(),
            user_id=row.user_id,
            course_id=course.course_id,
            course_name=course.name,
            company_id=course.company_id,
            choose_type=offer.choose_type,
            price_fen=offer.price_fen,
            valid_days=offer.valid_days,
            status=ChooseStatus.AWAITING_PAYMENT,
            created_at=now,
        )


def _chosen(record: ChooseCourse, row: CourseRow, now: datetime) -> Chosen:
    return Chosen(record=record, row=row, learn_status=row.learn_status(now))
