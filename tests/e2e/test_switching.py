"""One QR code, two payment apps."""

from __future__ import annotations

import pytest

from infra.local.purchase.browser import INSIDE_ALIPAY, PayerError
from tests.e2e.school import School, do, may_learn, order_of


def test_a_code_opened_in_wechat_and_paid_in_alipay_is_paid_for_both_pages(school: School) -> None:
    in_wechat = school.by_wechat()
    purchase = school.purchase(in_wechat)
    do(*purchase.steps()[:3])
    waiting = in_wechat.bridge_page
    assert waiting is not None

    in_alipay = school.by_alipay(user_agent=INSIDE_ALIPAY)
    in_alipay.arrive(purchase.link)
    assert in_wechat.trade(purchase.pay_no).state == "CLOSED"
    with pytest.raises(PayerError):
        in_wechat.payer.pay(waiting)
    in_alipay.pay()

    assert in_wechat.payer.follow_result(waiting, seconds=20).title
    result = purchase.student.asks("GET", "/orders/payresult", params={"payNo": purchase.pay_no})
    first, second = order_of(purchase)["attempts"]
    assert (result["orderStatus"], result["status"]) == ("600002", "601004")
    assert (first["payNo"], first["status"]) == (purchase.pay_no, "601004")
    assert (second["payNo"], second["status"]) == (result["paidByPayNo"], "601002")
    may_learn(purchase)
