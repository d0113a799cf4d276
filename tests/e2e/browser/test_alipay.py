"""Paying at Alipay: on a phone, and inside Alipay's own browser."""

from __future__ import annotations

from infra.local.stack import Stack
from tests.e2e.browser.conftest import Visit
from tests.e2e.browser.counters import enter_password, pay_at_alipay
from tests.e2e.browser.devices import ALIPAY, PHONE
from tests.e2e.browser.orders import PAID, Bill


def test_a_phone_pays_at_alipay_and_comes_back(visit: Visit, stack: Stack, bill: Bill) -> None:
    payer = visit(PHONE)
    payer.open(bill.link)
    payer.reads("剩余支付时间")
    payer.looks("cashier-phone")
    payer.press("支付宝支付")
    payer.arrives_at(f"{stack.alipay_url}/cashier/")
    payer.looks("alipay-login")
    payer.press("登录")
    payer.reads("的支付密码是")
    payer.looks("alipay-password")
    enter_password(payer)

    payer.arrives_at(stack.env["H5_RESULT_URL"])
    assert bill.pay_no in payer.page.url
    bill.becomes(PAID)
    payer.open(bill.link)
    payer.reads("订单已支付")
    payer.looks("cashier-paid")


def test_who_cancels_at_alipay_can_go_on_with_the_same_payment(
    visit: Visit, stack: Stack, bill: Bill
) -> None:
    payer = visit(PHONE)
    payer.open(bill.link)
    payer.press("支付宝支付")
    payer.press("登录")
    payer.press("取消")
    payer.reads("已取消")
    payer.looks("alipay-cancelled")
    payer.open(bill.link)
    payer.reads("已完成支付？查看结果")
    payer.looks("cashier-resumed")
    payer.press("支付宝支付")
    pay_at_alipay(payer)

    payer.arrives_at(stack.env["H5_RESULT_URL"])
    bill.becomes(PAID)
    assert [attempt["payNo"] for attempt in bill.attempts] == [bill.pay_no]


def test_inside_alipay_the_page_goes_on_by_itself_once(
    visit: Visit, stack: Stack, bill: Bill
) -> None:
    payer = visit(ALIPAY)
    payer.open(bill.link)
    payer.arrives_at(f"{stack.alipay_url}/cashier/")
    payer.open(bill.link)
    payer.reads("剩余支付时间")
    payer.looks("cashier-alipay")

    assert payer.page.url == bill.link
    payer.press("支付宝支付")
    payer.arrives_at(f"{stack.alipay_url}/cashier/")


def test_the_back_button_leads_from_alipay_to_our_cashier(
    visit: Visit, stack: Stack, bill: Bill
) -> None:
    payer = visit(PHONE)
    payer.open(bill.link)
    payer.press("支付宝支付")
    payer.arrives_at(f"{stack.alipay_url}/cashier/")
    payer.page.go_back()
    payer.arrives_at(bill.link)
    payer.reads("已完成支付？查看结果")
    assert payer.button("支付宝支付").is_enabled()
    payer.press("支付宝支付")
    pay_at_alipay(payer)

    payer.arrives_at(stack.env["H5_RESULT_URL"])
    bill.becomes(PAID)
