"""What the catalogue offers today: the one place that says whether a course can be chosen."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.learning.model import MAX_VALID_DAYS, Course
from chalicelib.money import Fen
from chalicelib.selling.codes import ChooseType
from chalicelib.selling.terms import refused, terms_of

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
    terms = terms_of(course, called="课程")
    days = course.valid_days
    if days is None and terms.choose_type is ChooseType.PAID:
        raise refused(course, "收费课程未设置有效期，暂不可购买")
    if days is None:
        days = FREE_VALID_DAYS
    if not 0 < days <= MAX_VALID_DAYS:
        raise refused(course, "课程有效期设置有误，暂不可选购")
    return Offer(choose_type=terms.choose_type, price_fen=terms.price_fen, valid_days=days)
