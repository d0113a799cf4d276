"""A paid order opens its course: the effect of a ``payresult_notify``.

The record's state, its guard and the course row change in one transaction, so a crash leaves
either all of it or nothing, and the message comes again. Order and number of messages do not
matter: a row follows from its set of grants (`chalicelib.learning.model.CourseRow`).
"""

from __future__ import annotations

import secrets

from chalicelib.learning.model import MAX_VALID_DAYS, CourseRow
from chalicelib.learning.ports import LearningChange, LearningStore
from chalicelib.mq.message import PayResult
from chalicelib.optimistic import until_written
from chalicelib.selling.codes import ChooseStatus
from chalicelib.selling.outcomes import (
    AlreadyGranted,
    Granted,
    GrantOutcome,
    NotGrantable,
    RefundedBefore,
)


class Granting:
    """Turns paid orders into grants."""

    def __init__(self, store: LearningStore) -> None:
        self._store = store

    def grant(self, result: PayResult) -> GrantOutcome:
        """Grant what ``result`` paid for, from its pay time and for its days. Idempotent.

        A record that is refunded stays so: its grant is stored as revoked, so that row and record
        are the same as if payment and refund had been heard in their order.

        Raises
        ------
        StaleWrite
            Other writers were faster too often; repeat later.
        Unavailable
            The database did not answer; repeat later.
        """
        days = result.valid_days
        if days is None or not 0 < days <= MAX_VALID_DAYS:
            return NotGrantable(f"validDays {days}")
        return until_written(lambda: self._grant(result, days))

    def _grant(self, result: PayResult, valid_days: int) -> GrantOutcome:
        record = self._store.choose_course(result.out_business_id)
        if record is None:
            return NotGrantable(f"no choose-course record {result.out_business_id!r}")
        if record.paid_at is not None:
            return AlreadyGranted()
        refunded = record.status is ChooseStatus.REFUNDED
        note = record.paid_after_refund if refunded else record.chosen
        paid = note(result.paid_at, valid_days)
        row = self._store.course_row(record.user_id, record.course_id)
        row = row or CourseRow(user_id=record.user_id, course_id=record.course_id)
        self._store.commit(
            LearningChange(
                write_id=secrets.token_hex(8),
                choose_course=paid,
                course_row=row.with_grant(paid.grant()),
                close_pending=True,
            )
        )
        return RefundedBefore() if refunded else Granted()
