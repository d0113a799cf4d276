"""Paying at Alipay, on a phone."""

from __future__ import annotations

from infra.local.stack import Stack
from tests.e2e.browser.conftest import Visit
from tests.e2e.browser.devices import PHONE
from tests.e2e.browser.orders import PAID, Bill
from tests.e2e.browser.visitor import Visitor


def pay_in_alipay(payer: Visitor) -> None:
    """Log in at the simulator's cashier, and pay."""
    payer.press("登录")
    payer.page.get_by_label("支付密码").fill("111111")
    payer.press("确认付款")


def test_a_phone_pays_at_alipay_and_comes_back(visit: Visit, stack: Stack, bill: Bill) -> None:
    payer = visit(PHONE)
    payer.open(bill.link)
    payer.reads("¥")
    payer.looks("cashier-phone")
    payer.press("支付宝支付")
    payer.arrives_at(f"{stack.alipay_url}/cashier/")
    payer.looks("alipay-login")
    payer.press("登录")
    payer.looks("alipay-password")
    payer.page.get_by_label("支付密码").fill("111111")
    payer.press("确认付款")

    payer.arrives_at(stack.env["H5_RESULT_URL"])
    assert bill.pay_no in payer.page.url
    bill.becomes(PAID)
