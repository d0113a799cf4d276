"""Courses, choose-course records and my course table, in the words and codes of the platform."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from chalicelib.money import Fen
from chalicelib.selling.codes import Charge, ChooseStatus, ChooseType, PublishStatus, moved

MAX_VALID_DAYS = 36_500
"""A hundred years: no course is open longer, and no date overflows."""


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
class Grant:
    """One purchase's right to learn: ``valid_days`` from ``paid_at``, or from the running end.

    It says by itself what was bought, so that a row follows from its grants alone.
    """

    choose_course_id: str
    paid_at: datetime
    valid_days: int
    choose_type: ChooseType
    course_name: str
    company_id: str
    revoked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ChooseCourse:
    """A user's wish to take a course (选课记录). ``version`` is 0 until it is stored.

    ``paid_at`` is when it was paid, for a free course when it was chosen; None until its payment
    was heard, also when its refund was heard first. Price and validity are those of the last
    choice; an order freezes its own.
    """

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

    def chosen(self, paid_at: datetime, valid_days: int) -> ChooseCourse:
        """This record once it is paid for, with the validity that was paid for.

        Raises
        ------
        UndeclaredMove
            It is refunded, and stays so: `paid_after_refund`.
        """
        return self._moved(ChooseStatus.CHOSEN)._paid(paid_at, valid_days)

    def refunded(self) -> ChooseCourse:
        """This record once its money is back; the last state that it has."""
        return self._moved(ChooseStatus.REFUNDED)

    def paid_after_refund(self, paid_at: datetime, valid_days: int) -> ChooseCourse:
        """This refunded record with the payment noted that was heard late; it stays refunded."""
        assert self.status is ChooseStatus.REFUNDED, "else its payment chooses it"
        return self._paid(paid_at, valid_days)

    def _paid(self, paid_at: datetime, valid_days: int) -> ChooseCourse:
        return replace(self, paid_at=paid_at, valid_days=valid_days)

    def _moved(self, to: ChooseStatus) -> ChooseCourse:
        return replace(self, status=moved(self.choose_course_id, self.status, to))

    def grant(self) -> Grant:
        """What a record that was paid for gives its user; revoked once it is refunded."""
        assert self.paid_at is not None, "a record that was not paid for grants nothing"
        return Grant(
            choose_course_id=self.choose_course_id,
            paid_at=self.paid_at,
            valid_days=self.valid_days,
            choose_type=self.choose_type,
            course_name=self.course_name,
            company_id=self.company_id,
            revoked=self.status is ChooseStatus.REFUNDED,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """The time that one grant opens."""

    grant: Grant
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseRow:
    """One row of my course table (我的课程表): a user, a course and the grants that open it.

    All else follows from the live grants, so messages may come in any order and any number.
    Without a live grant the row is hidden: it shows no course and allows nothing.
    """

    user_id: str
    course_id: str
    grants: tuple[Grant, ...] = ()
    learned_at: datetime | None = None
    version: int = 0

    def with_grant(self, grant: Grant) -> CourseRow:
        """This row with one more grant; a grant that is already there, revoked or not, stays."""
        if self.has_grant(grant.choose_course_id):
            return self
        return replace(self, grants=tuple(sorted((*self.grants, grant), key=_by_payment)))

    def with_revoked(self, choose_course_id: str) -> CourseRow:
        """This row without what one record opens; the grants of other records stay."""
        return replace(
            self,
            grants=tuple(
                replace(grant, revoked=True)
                if grant.choose_course_id == choose_course_id
                else grant
                for grant in self.grants
            ),
        )

    def has_grant(self, choose_course_id: str) -> bool:
        """Whether that record was ever granted here."""
        return any(grant.choose_course_id == choose_course_id for grant in self.grants)

    def learned(self, at: datetime) -> CourseRow:
        """This row after learning at ``at``; the latest time stays."""
        return replace(self, learned_at=max(at, self.learned_at or at))

    @property
    def stretches(self) -> tuple[Stretch, ...]:
        """What each live grant opens, in the order of payment."""
        return tuple(_stretches(self.grants))

    def stretch_of(self, choose_course_id: str) -> Stretch | None:
        """What the live grant of one record opens."""
        of_record = (s for s in self.stretches if s.grant.choose_course_id == choose_course_id)
        return next(of_record, None)

    @property
    def newest(self) -> Grant | None:
        """The live grant that was paid last; None when the row is hidden."""
        stretches = self.stretches
        return stretches[-1].grant if stretches else None

    @property
    def joined_at(self) -> datetime | None:
        """When the first live grant was paid."""
        stretches = self.stretches
        return stretches[0].grant.paid_at if stretches else None

    @property
    def valid_from(self) -> datetime | None:
        """The start of the running stretch: a gap between two grants begins a new one."""
        start: datetime | None = None
        end: datetime | None = None
        for stretch in self.stretches:
            if stretch.starts_at != end:
                start = stretch.starts_at
            end = stretch.ends_at
        return start

    @property
    def valid_to(self) -> datetime | None:
        """When the last live grant ends."""
        stretches = self.stretches
        return stretches[-1].ends_at if stretches else None

    def learn_status(self, now: datetime) -> LearnStatus:
        """What the row allows at ``now``."""
        end = self.valid_to
        if end is None:
            return LearnStatus.NOT_CHOSEN_OR_NOT_PAID
        return LearnStatus.EXPIRED if end <= now else LearnStatus.MAY_LEARN

    def renewable(self, now: datetime, window: timedelta) -> bool:
        """Whether a new grant may be chosen at ``now``: near the end, after it, or without one.

        The window is never longer than half of what was bought last. Otherwise a short course
        would be renewable from its first moment, and a double click would buy it twice.
        """
        end, newest = self.valid_to, self.newest
        if end is None or newest is None:
            return True
        return end - min(window, timedelta(days=newest.valid_days) / 2) <= now


def _by_payment(grant: Grant) -> tuple[datetime, str]:
    return grant.paid_at, grant.choose_course_id


def _stretches(grants: Iterable[Grant]) -> Iterator[Stretch]:
    """Fold the live grants in the order of payment: ``end = max(paid_at, end) + days``."""
    end: datetime | None = None
    for grant in sorted(grants, key=_by_payment):
        if grant.revoked:
            continue
        start = grant.paid_at if end is None else max(grant.paid_at, end)
        end = start + timedelta(days=grant.valid_days)
        yield Stretch(grant=grant, starts_at=start, ends_at=end)
