"""Courses, records and messages with sensible values; a test names only what it is about."""

from __future__ import annotations

from datetime import datetime, timedelta

from chalicelib.learning.choose import Chosen
from chalicelib.learning.model import ChooseCourse, Course, CourseRow, Grant
from chalicelib.learning.service import LearningService
from chalicelib.money import Fen
from chalicelib.mq.message import PayResult
from chalicelib.mq.refund_message import RefundResult
from chalicelib.purchasables import OrderType
from chalicelib.selling.codes import Charge, ChooseStatus, ChooseType, PublishStatus
from tests.fakes.clock import START, FakeClock
from tests.fakes.learning import FakeLearningStore, FakePurchases
from tests.fakes.numbers import FakeNumbers

STUDENT = "student-1"
RENEW_WINDOW = timedelta(days=30)


def a_course(
    course_id: str = "1002",
    *,
    charge: Charge | None = Charge.PAID,
    price_fen: int | None = 100,
    valid_days: int | None = 365,
    publish_status: PublishStatus = PublishStatus.PUBLISHED,
    name: str = "支付接入实战",
) -> Course:
    return Course(
        course_id=course_id,
        company_id="22",
        name=name,
        charge=charge,
        price_fen=None if price_fen is None else Fen(price_fen),
        valid_days=valid_days,
        publish_status=publish_status,
    )


def a_free_course(course_id: str = "1001", *, valid_days: int | None = 180) -> Course:
    return a_course(course_id, charge=Charge.FREE, price_fen=None, valid_days=valid_days)


def a_pending_record(
    choose_course_id: str = "500", *, user_id: str = STUDENT, course_id: str = "1002"
) -> ChooseCourse:
    return ChooseCourse(
        choose_course_id=choose_course_id,
        user_id=user_id,
        course_id=course_id,
        course_name="支付接入实战",
        company_id="22",
        choose_type=ChooseType.PAID,
        price_fen=Fen(100),
        valid_days=365,
        status=ChooseStatus.AWAITING_PAYMENT,
        created_at=START,
    )


def a_grant(
    choose_course_id: str = "500",
    *,
    paid_at: datetime = START,
    valid_days: int = 365,
    choose_type: ChooseType = ChooseType.PAID,
    revoked: bool = False,
) -> Grant:
    return Grant(
        choose_course_id=choose_course_id,
        paid_at=paid_at,
        valid_days=valid_days,
        choose_type=choose_type,
        course_name="支付接入实战",
        company_id="22",
        revoked=revoked,
    )


def a_row(
    *grants: Grant,
    user_id: str = STUDENT,
    course_id: str = "1002",
    learned_at: datetime | None = None,
) -> CourseRow:
    row = CourseRow(user_id=user_id, course_id=course_id, learned_at=learned_at)
    for grant in grants:
        row = row.with_grant(grant)
    return row


def a_pay_result(
    out_business_id: str,
    *,
    paid_at: datetime = START,
    valid_days: int = 365,
    order_type: str = OrderType.COURSE,
) -> PayResult:
    return PayResult(
        message_id="9001",
        out_business_id=out_business_id,
        order_type=order_type,
        order_id="8001",
        paid_at=paid_at,
        valid_days=valid_days,
    )


def a_refund_result(
    out_business_id: str,
    *,
    refund_no: str = "7001",
    refunded_at: datetime = START + timedelta(days=1),
    order_type: str = OrderType.COURSE,
) -> RefundResult:
    return RefundResult(
        message_id=refund_no,
        out_business_id=out_business_id,
        order_type=order_type,
        order_id="8001",
        refund_no=refund_no,
        refund_fen=Fen(100),
        refunded_at=refunded_at,
    )


class School:
    """A learning centre on fakes, with its catalogue."""

    def __init__(self, *courses: Course, store: FakeLearningStore | None = None) -> None:
        self.clock = FakeClock()
        self.store = store or FakeLearningStore()
        self.purchases = FakePurchases()
        self.service = LearningService(
            store=self.store,
            purchases=self.purchases,
            numbers=FakeNumbers(),
            clock=self.clock,
            renew_window=RENEW_WINDOW,
        )
        for course in courses:
            self.store.put_course(course)

    def choose(self, course_id: str = "1002", user_id: str = STUDENT) -> Chosen:
        return self.service.choose(user_id, course_id)
