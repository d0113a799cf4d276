"""A paid course is given back: money by the platform, the course by the refund queue."""

from __future__ import annotations

from infra.local.purchase.course import Course
from infra.local.purchase.steps import until
from tests.e2e.school import PATIENCE_SECONDS, School, do, learning, order_becomes


def test_a_refunded_course_is_taken_back_and_can_be_bought_again(school: School) -> None:
    way = school.by_alipay()
    purchase = school.purchase(way)
    do(*purchase.steps(), *school.refund(purchase).steps())

    again = school.purchase(school.by_wechat(), user_id=purchase.shopper.user_id)
    do(*again.steps())
    assert again.order_id != purchase.order_id


def test_a_part_of_the_money_leaves_the_course_with_the_student(school: School) -> None:
    purchase = school.purchase(school.by_wechat(), goods=Course("1003"))
    do(*purchase.steps())
    operator = school.operator()
    operator.asks(
        "POST",
        f"/orders/{purchase.order_id}/refund",
        json={"reason": "差价", "idempotencyKey": "a-part", "refundFen": 990},
    )

    until(
        "the part is not back",
        lambda: purchase.way.trade(purchase.pay_no).refunded_fen == 990,
        PATIENCE_SECONDS,
    )
    [refund] = until(
        "we do not know of it",
        lambda: [r for r in order_becomes(purchase, "600002")["refunds"] if r["status"] == "done"],
        PATIENCE_SECONDS,
    )
    assert refund["refundFen"] == 990
    assert learning(purchase)["learnStatus"] == "702001"
