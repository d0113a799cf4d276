"""Paying inside WeChat, over the bridge of its browser."""

from __future__ import annotations

from infra.local.stack import Stack
from tests.e2e.browser.conftest import Visit
from tests.e2e.browser.counters import is_another_wechat_payer
from tests.e2e.browser.devices import WECHAT
from tests.e2e.browser.orders import PAID, UNPAID, Bill


def test_a_payer_inside_wechat_pays_over_the_bridge(visit: Visit, stack: Stack, bill: Bill) -> None:
    payer = visit(WECHAT)
    payer.open(bill.link)
    payer.reads("剩余支付时间")
    payer.looks("cashier-wechat")
    payer.press("微信支付")
    payer.reads("微信支付（模拟）")
    payer.looks("wechat-bridge")
    payer.press("确认支付")

    payer.arrives_at(stack.env["H5_RESULT_URL"])
    assert bill.pay_no in payer.page.url
    bill.becomes(PAID)


def test_who_cancels_in_wechat_can_pay_again_on_the_same_page(
    visit: Visit, stack: Stack, bill: Bill
) -> None:
    payer = visit(WECHAT)
    payer.open(bill.link)
    payer.press("微信支付")
    payer.press("取消")
    payer.reads("已取消")
    payer.looks("wechat-cancelled")
    assert bill.order()["status"] == UNPAID
    payer.press("重新支付")
    payer.press("确认支付")

    payer.arrives_at(stack.env["H5_RESULT_URL"])
    bill.becomes(PAID)
    assert [attempt["payNo"] for attempt in bill.attempts] == [bill.pay_no]


def test_a_second_person_pays_and_the_first_ones_page_goes_on(
    visit: Visit, stack: Stack, bill: Bill
) -> None:
    first, second = visit(WECHAT), visit(WECHAT)
    is_another_wechat_payer(second, stack.wechat_url)
    first.open(bill.link)
    first.press("微信支付")
    first.press("取消")
    first.follow("返回收银台")
    first.reads("已完成支付？查看结果")
    second.open(bill.link)
    second.press("微信支付")
    second.press("确认支付")

    second.arrives_at(stack.env["H5_RESULT_URL"])
    first.arrives_at(stack.env["H5_RESULT_URL"])
    bill.becomes(PAID)


def test_inside_wechat_the_way_out_to_alipay_is_shown_over_the_page(
    visit: Visit, bill: Bill
) -> None:
    payer = visit(WECHAT)
    payer.open(bill.link)
    payer.press("使用支付宝支付")
    payer.reads("请在浏览器打开")
    payer.looks("wechat-leave")
    payer.press("知道了")

    payer.page.get_by_role("dialog").wait_for(state="hidden")
    assert payer.button("微信支付").is_enabled()
