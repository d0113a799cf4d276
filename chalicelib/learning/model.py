"""Courses, choose-course records and my course table, in the words and codes of the platform."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from chalicelib.money import Fen


class Charge(StrEnum):
    """Whether a course costs money (收费规则)."""

    FREE = "201000"
    PAID = "201001"


class PublishStatus(StrEnum):
    """Whether a course can be chosen (课程发布状态)."""

    UNPUBLISHED = "203001"
    PUBLISHED = "203002"
    OFFLINE = "203003"


class ChooseType(StrEnum):
    """The kind of a choose-course record (选课类型)."""

    FREE = "700001"
    PAID = "700002"


class ChooseStatus(StrEnum):
    """The state of a choose-course record (选课状态)."""

    CHOSEN = "701001"
    AWAITING_PAYMENT = "701002"
    REFUNDED = "701003"


class LearnStatus(StrEnum):
    """Whether a user may learn a course (学习资格)."""

    MAY_LEARN = "702001"
    NOT_CHOSEN_OR_NOT_PAID = "702002"
    EXPIRED = "702003"


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """A catalogue entry. A missing price, charge or validity is None, never a guess."""

    course_id: str
    company_id: str
    name: str
    charge: Charge | None
    price_fen: Fen | None
    valid_days: int | None
    publish_status: PublishStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class ChooseCourse:
    """A user's wish to take a course (选课记录). ``version`` is 0 until it is stored."""

    choose_course_id: str
    user_id: str
    course_id: str
    course_name: str
    company_id: str
    choose_type: ChooseType
    price_fen: Fen
    valid_days: int
    status: ChooseStatus
    created_at: datetime
    paid_at: datetime | None = None
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One purchase's right to learn: ``valid_days`` from ``paid_at``, or from the running end."""

    choose_course_id: str
    paid_at: datetime
    valid_days: int
    revoked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseRow:
    """One row of my course table: a user, a course and the grants that open it.

    ``valid_from`` and ``valid_to`` follow from the live grants alone, so messages may come in any
    order and any number; both are None when no live grant is left.
    """

    user_id: str
    course_id: str
    course_name: str
    company_id: str
    course_type: ChooseType
    choose_course_id: str
    created_at: datetime
    grants: tuple[Grant, ...] = ()
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    learned_at: datetime | None = None
    version: int = 0

    def with_grant(self, grant: Grant) -> CourseRow:
        """This row with one more grant; a grant that is already there, revoked or not, stays."""
        if any(have.choose_course_id == grant.choose_course_id for have in self.grants):
            return self
        return self._with_grants((*self.grants, grant))

    def _with_grants(self, grants: tuple[Grant, ...]) -> CourseRow:
        valid_from, valid_to = validity(grants)
        return replace(self, grants=grants, valid_from=valid_from, valid_to=valid_to)

    def learn_status(self, now: datetime) -> LearnStatus:
        """What the row allows at ``now``."""
        if self.valid_to is None:
            return LearnStatus.NOT_CHOSEN_OR_NOT_PAID
        return LearnStatus.EXPIRED if self.valid_to <= now else LearnStatus.MAY_LEARN


def validity(grants: Iterable[Grant]) -> tuple[datetime | None, datetime | None]:
    """Fold the live grants in the order of payment: ``end = max(paid_at, end) + days``.

    The start is that of the running stretch: a gap between two grants begins a new one.
    """
    start: datetime | None = None
    end: datetime | None = None
    live = (grant for grant in grants if not grant.revoked)
    for grant in sorted(live, key=lambda grant: (grant.paid_at, grant.choose_course_id)):
        if end is None or grant.paid_at > end:
            start = grant.paid_at
            end = grant.paid_at
        end += timedelta(days=grant.valid_days)
    return start, end
