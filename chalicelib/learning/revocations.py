"""A refund takes its course away: the effect of a ``refundresult_notify``.

The record's state, its guard and the grant in the course row change in one transaction. A refund
takes back only what its own record opened; what is left follows from the other grants. It may be
heard any number of times, and before the payment (`chalicelib.learning.grants.Granting`).
"""

from __future__ import annotations

import secrets

from chalicelib.learning.model import ChooseCourse, CourseRow
from chalicelib.learning.ports import LearningChange, LearningStore
from chalicelib.mq.refund_message import RefundResult
from chalicelib.optimistic import until_written
from chalicelib.selling.codes import ChooseStatus
from chalicelib.selling.outcomes import AlreadyRevoked, NotRevocable, Revoked, RevokeOutcome


class Revoking:
    """Takes refunded grants back."""

    def __init__(self, store: LearningStore) -> None:
        self._store = store

    def revoke(self, result: RefundResult) -> RevokeOutcome:
        """Take back what the refunded record opened, for good. Idempotent.

        Raises
        ------
        StaleWrite
            Other writers were faster too often; repeat later.
        Unavailable
            The database did not answer; repeat later.
        """
        return until_written(lambda: self._revoke(result))

    def _revoke(self, result: RefundResult) -> RevokeOutcome:
        record = self._store.choose_course(result.out_business_id)
        if record is None:
            return NotRevocable(f"no choose-course record {result.out_business_id!r}")
        if record.status is ChooseStatus.REFUNDED:
            return AlreadyRevoked()
        self._store.commit(
            LearningChange(
                write_id=secrets.token_hex(8),
                choose_course=record.refunded(),
                course_row=self._closed_row(record),
                close_pending=True,
            )
        )
        return Revoked()

    def _closed_row(self, record: ChooseCourse) -> CourseRow | None:
        """The course row without this record's grant; None when it has none."""
        row = self._store.course_row(record.user_id, record.course_id)
        if row is None or not row.has_grant(record.choose_course_id):
            return None
        return row.with_revoked(record.choose_course_id)
