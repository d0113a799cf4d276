"""What the catalogue offers today: the one place that says whether a course can be chosen."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.errors import NotForSale
from chalicelib.learning.model import (
    MAX_VALID_DAYS,
    Charge,
    ChooseType,
    Course,
    PublishStatus,
)
from chalicelib.money import NO_MONEY, Fen

FREE_VALID_DAYS = 365
"""The validity of a free course that names none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """The terms on which a course can be chosen now."""

    choose_type: ChooseType
    price_fen: Fen
    valid_days: int


def offer_of(course: Course) -> Offer:
    """The terms of ``course``. A price or a validity that was bought is never guessed.

    Raises
    ------
    NotForSale
        Unpublished or offline, without a charge, or paid without a price or a validity that is
        fit for sale; the message says which.
    """
    _require_published(course)
    if course.charge is None:
        raise _refused(course, "课程未设置收费规则，暂不能选课")
    if course.charge is Charge.FREE:
        days = FREE_VALID_DAYS if course.valid_days is None else course.valid_days
        offer = Offer(choose_type=ChooseType.FREE, price_fen=NO_MONEY, valid_days=days)
    else:
        offer = _paid_offer(course)
    if not 0 < offer.valid_days <= MAX_VALID_DAYS:
        raise _refused(course, "课程有效期设置有误，暂不能选课")
    return offer


def _require_published(course: Course) -> None:
    if course.publish_status is PublishStatus.UNPUBLISHED:
        raise _refused(course, "课程尚未发布，暂不能选课")
    if course.publish_status is PublishStatus.OFFLINE:
        raise _refused(course, "课程已下线，暂不能选课")


def _paid_offer(course: Course) -> Offer:
    if course.price_fen is None:
        raise _refused(course, "收费课程未设置价格，暂不可购买")
    if course.price_fen <= 0:
        raise _refused(course, "收费课程价格设置有误，暂不可购买")
    if course.valid_days is None:
        raise _refused(course, "收费课程未设置有效期，暂不可购买")
    return Offer(
        choose_type=ChooseType.PAID, price_fen=course.price_fen, valid_days=course.valid_days
    )


def _refused(course: Course, message: str) -> NotForSale:
    return NotForSale(
        message,
        detail=f"course {course.course_id}: charge {course.charge}, price {course.price_fen} fen,"
        f" valid {course.valid_days} days, status {course.publish_status}",
    )
