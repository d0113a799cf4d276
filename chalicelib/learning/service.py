"""The learning centre for its users: what there is, choose it, may I learn it, my course table."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta

from chalicelib.clock import Clock
from chalicelib.errors import Conflict, NotFound
from chalicelib.learning.catalogue import Catalogue, CataloguePage, CatalogueQuery, ShownCourse
from chalicelib.learning.choose import Choosing, Chosen
from chalicelib.learning.course_table import CourseTablePage, TableQuery, table_page
from chalicelib.learning.model import CourseRow, LearnStatus
from chalicelib.learning.ports import LearningChange, LearningStore, Numbers
from chalicelib.optimistic import until_written
from chalicelib.purchasables import Purchases


@dataclass(frozen=True, slots=True, kw_only=True)
class Learning:
    """Whether a user may learn a course; ``row`` is None with NOT_CHOSEN_OR_NOT_PAID."""

    learn_status: LearnStatus
    row: CourseRow | None


class LearningService:
    """What the routes of the learning centre do. Each call is safe to repeat."""

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
        self._clock = clock
        self._choosing = Choosing(
            store=store,
            purchases=purchases,
            numbers=numbers,
            clock=clock,
            renew_window=renew_window,
        )
        self._catalogue = Catalogue(store=store, clock=clock, renew_window=renew_window)

    def catalogue(self, user_id: str, query: CatalogueQuery) -> CataloguePage:
        """Some published courses, by id, and how far the user is with each.

        Raises
        ------
        InvalidRequest
            The page token is none.
        """
        return self._catalogue.page(user_id, query)

    def course(self, user_id: str, course_id: str) -> ShownCourse:
        """One course, also one that is offline, and how far the user is with it.

        Raises
        ------
        NotFound
            There is no such course.
        """
        return self._catalogue.course(user_id, course_id)

    def choose(self, user_id: str, course_id: str) -> Chosen:
        """Add a course: the existing choose-course record where it still serves, or a new one.

        Raises
        ------
        NotFound
            There is no such course.
        NotForSale
            The course cannot be chosen now; the message says why.
        GoodsBeingOpened
            It is paid for already, and the grant is on its way.
        """
        return self._choosing.choose(user_id, course_id)

    def learn_status(self, user_id: str, course_id: str) -> Learning:
        """Whether the user may learn the course now; an unknown course is one not chosen."""
        row = self._store.course_row(user_id, course_id)
        if row is None or row.newest is None:
            return Learning(learn_status=LearnStatus.NOT_CHOSEN_OR_NOT_PAID, row=None)
        return Learning(learn_status=row.learn_status(self._clock.now()), row=row)

    def record_learning(self, user_id: str, course_id: str) -> Learning:
        """Note that the user learns the course now.

        Raises
        ------
        NotFound
            The course is not in the user's course table.
        Conflict
            The user's time for it is over.
        """

        def once() -> Learning:
            learning = self.learn_status(user_id, course_id)
            if learning.row is None:
                raise NotFound("您还没有选择该课程，或尚未支付")
            if learning.learn_status is LearnStatus.EXPIRED:
                raise Conflict("课程已过期，请续期后再学习")
            row = learning.row.learned(self._clock.now())
            self._store.commit(LearningChange(write_id=secrets.token_hex(8), course_row=row))
            return Learning(learn_status=learning.learn_status, row=row)

        return until_written(once)

    def course_table(self, user_id: str, query: TableQuery) -> CourseTablePage:
        """One page of the user's course table."""
        return table_page(self._store.course_rows(user_id), query, self._clock.now())
