"""Buying a course, as a purchase sees it."""

from __future__ import annotations

from dataclasses import dataclass

from infra.local.purchase.person import Json, Person
from infra.local.purchase.steps import expect

_AWAITING_PAYMENT = "701002"
_MAY_LEARN, _MAY_NOT_LEARN = "702001", "702002"


@dataclass(frozen=True)
class Course:
    """A course of the catalogue; `Goods`."""

    course_id: str = "1002"

    order_type = "60201"
    called = "the course"
    choosing = "choose the course (选课)"
    announcing = "the result is announced (通知学习中心)"
    opening = "the course is in the table (开通课程)"
    taking_back = "the course is taken back (收回课程)"

    def choose(self, student: Person) -> str:
        """Choose it; ``chooseCourseId``."""
        record = student.asks("POST", f"/learning/choosecourse/{self.course_id}")
        expect("status", record["status"], _AWAITING_PAYMENT)
        expect("learnStatus", record["learnStatus"], _MAY_NOT_LEARN)
        return str(record["id"])

    def is_open(self, student: Person) -> bool:
        """Whether the student may learn."""
        return bool(self.learning(student)["learnStatus"] == _MAY_LEARN)

    def opened(self, student: Person) -> str:
        """It is in my course table, until a day."""
        learning = self.learning(student)
        expect("learnStatus", learning["learnStatus"], _MAY_LEARN)
        expect("the course in my course table", self._is_in_the_table(student), True)
        return f"learnStatus {_MAY_LEARN} until {learning['validtimeEnd']}"

    def taken_back(self, student: Person) -> str:
        """It is gone from my course table."""
        expect("learnStatus", self.learning(student)["learnStatus"], _MAY_NOT_LEARN)
        expect("the course in my course table", self._is_in_the_table(student), False)
        return f"learnStatus {_MAY_NOT_LEARN}, gone from my course table"

    def learning(self, student: Person) -> Json:
        """What the student may do with it now, and how long."""
        return student.asks("GET", f"/learning/choosecourse/learnstatus/{self.course_id}")

    def _is_in_the_table(self, student: Person) -> bool:
        table = student.asks("GET", "/learning/mycoursetable")
        return self.course_id in [row["courseId"] for row in table["items"]]
