"""What the order service may charge for a choose-course record."""

from __future__ import annotations

import pytest

from chalicelib.learning.grants import Granting
from chalicelib.learning.sale import CoursePurchasables
from chalicelib.purchasables import OrderType, Purchasable, SaleStatus
from chalicelib.selling.codes import Charge, PublishStatus
from tests.unit.learning.builders import STUDENT, School, a_course, a_free_course, a_pay_result


def on_sale(school: School, choose_course_id: str) -> Purchasable:
    purchasable = CoursePurchasables(school.store).get(choose_course_id, OrderType.COURSE)
    assert purchasable is not None
    return purchasable


def test_a_pending_record_is_sold_at_todays_price():
    school = School(a_course(price_fen=100))
    record_id = school.choose().record.choose_course_id
    school.store.put_course(a_course(price_fen=250, valid_days=30, name="第二版"))

    assert on_sale(school, record_id) == Purchasable(
        out_business_id=record_id,
        order_type=OrderType.COURSE,
        owner_id=STUDENT,
        goods_id="1002",
        title="第二版",
        price_fen=250,
        valid_days=30,
        status=SaleStatus.AWAITING_PAYMENT,
    )


@pytest.mark.parametrize(
    "course",
    [
        a_course(publish_status=PublishStatus.OFFLINE),
        a_course(publish_status=PublishStatus.UNPUBLISHED),
        a_course(price_fen=None),
        a_course(price_fen=0),
        a_course(valid_days=None),
        a_course(charge=None),
        a_course(charge=Charge.FREE),
    ],
)
def test_a_pending_record_is_not_for_sale_while_its_course_is_not(course):
    school = School(a_course())
    record_id = school.choose().record.choose_course_id
    school.store.put_course(course)

    assert on_sale(school, record_id).status is SaleStatus.NOT_FOR_SALE


def test_a_granted_record_is_not_sold_again():
    school = School(a_course())
    record_id = school.choose().record.choose_course_id
    Granting(school.store).grant(a_pay_result(record_id))

    assert on_sale(school, record_id).status is SaleStatus.GRANTED


def test_a_free_record_is_not_sold():
    school = School(a_free_course())
    record_id = school.choose("1001").record.choose_course_id

    assert on_sale(school, record_id).status is SaleStatus.GRANTED


def test_other_goods_and_unknown_records_are_none():
    school = School(a_course())
    record_id = school.choose().record.choose_course_id
    purchasables = CoursePurchasables(school.store)

    assert purchasables.get(record_id, OrderType.STUDY_MATERIAL) is None
    assert purchasables.get("4711", OrderType.COURSE) is None
