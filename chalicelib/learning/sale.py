"""The learning centre as a seller: what the order service may charge for a choose-course record."""

from __future__ import annotations

from chalicelib.errors import NotForSale
from chalicelib.learning.model import ChooseCourse, Course
from chalicelib.learning.offer import Offer, offer_of
from chalicelib.learning.ports import LearningStore
from chalicelib.purchasables import OrderType, Purchasable, SaleStatus
from chalicelib.selling.codes import ChooseStatus, ChooseType


class CoursePurchasables:
    """Implements `chalicelib.purchasables.Purchasables` for order type 60201."""

    def __init__(self, store: LearningStore) -> None:
        self._store = store

    def get(self, out_business_id: str, order_type: OrderType) -> Purchasable | None:
        """The record with today's title, price and validity; None for other goods.

        A record that awaits payment is NOT_FOR_SALE while its course cannot be sold; then, and
        for a record that is granted or taken back, price and validity are those of the record.
        """
        if order_type is not OrderType.COURSE:
            return None
        record = self._store.choose_course(out_business_id)
        if record is None:
            return None
        course = self._store.course(record.course_id)
        offer = _paid_offer(course)
        return Purchasable(
            out_business_id=record.choose_course_id,
            order_type=OrderType.COURSE,
            owner_id=record.user_id,
            goods_id=record.course_id,
            title=record.course_name if course is None else course.name,
            price_fen=record.price_fen if offer is None else offer.price_fen,
            valid_days=record.valid_days if offer is None else offer.valid_days,
            status=_sale_status(record, offer),
        )


def _paid_offer(course: Course | None) -> Offer | None:
    """Today's terms; None when nothing can be charged for the course today."""
    if course is None:
        return None
    try:
        offer = offer_of(course)
    except NotForSale:
        return None
    return offer if offer.choose_type is ChooseType.PAID else None


def _sale_status(record: ChooseCourse, offer: Offer | None) -> SaleStatus:
    match record.status:
        case ChooseStatus.CHOSEN:
            return SaleStatus.GRANTED
        case ChooseStatus.REFUNDED:
            return SaleStatus.TAKEN_BACK
        case ChooseStatus.AWAITING_PAYMENT:
            return SaleStatus.NOT_FOR_SALE if offer is None else SaleStatus.AWAITING_PAYMENT
