"""Orders that nobody paid in time."""

from __future__ import annotations

import pytest

from infra.local.purchase.browser import PayerError
from infra.local.purchase.way_to_pay import WayToPay
from tests.e2e.expiring import let_expire
from tests.e2e.school import School, do, order_becomes, order_of

CLOSED_THERE = {"Alipay": "TRADE_CLOSED", "WeChat Pay": "CLOSED"}


@pytest.fixture(params=["by_alipay", "by_wechat"])
def way(request: pytest.FixtureRequest, school: School) -> WayToPay:
    made: WayToPay = getattr(school, request.param)()
    return made


def test_an_expired_order_is_closed_on_both_sides_and_bought_again(
    school: School, way: WayToPay
) -> None:
    purchase = school.purchase(way)
    do(*purchase.steps()[:3])
    order_id, pay_no = purchase.order_id, purchase.pay_no

    let_expire(school.stack, order_id, job_looks=True)
    closed = order_becomes(purchase, "600003")
    assert closed["closeReason"] == "expired"
    assert way.trade(pay_no).state == CLOSED_THERE[way.platform]
    with pytest.raises(PayerError):
        way.pay()

    do(*purchase.steps()[1:])
    assert purchase.order_id != order_id
    assert order_of(purchase)["paidByPayNo"] == purchase.pay_no != pay_no
