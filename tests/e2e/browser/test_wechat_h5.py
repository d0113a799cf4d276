"""Paying with WeChat from another browser of a phone (H5)."""

from __future__ import annotations

from infra.local.stack import Stack
from tests.e2e.browser.conftest import Visit
from tests.e2e.browser.devices import PHONE
from tests.e2e.browser.orders import PAID, Bill
from tests.e2e.school import School

# Playwright's own click waits for where the first one leads; a finger does not.
_PRESSED_TWICE = "button => { button.click(); setTimeout(() => button.click(), 500); }"


def test_who_comes_back_before_any_notify_is_led_on_to_the_result(
    visit: Visit, stack: Stack, school: School, bill: Bill
) -> None:
    """WeChat sends the browser to our cashier, which asks us, and we ask WeChat."""
    school.fault(school.by_wechat(), on="notify", do="drop")
    payer = visit(PHONE)
    payer.open(bill.link)
    payer.press("微信支付")
    payer.arrives_at(f"{stack.wechat_url}/cashier/")
    payer.looks("wechat-h5")
    payer.press("确认支付")

    payer.arrives_at(stack.env["H5_RESULT_URL"])
    bill.becomes(PAID)


def test_who_comes_back_unpaid_can_pay_again(visit: Visit, stack: Stack, bill: Bill) -> None:
    payer = visit(PHONE)
    payer.open(bill.link)
    payer.press("微信支付")
    payer.arrives_at(f"{stack.wechat_url}/cashier/")
    payer.press("取消")
    payer.arrives_at(f"{stack.api_url}/orders/requestpay")
    payer.reads("已完成支付？查看结果")
    payer.press("微信支付")
    payer.arrives_at(f"{stack.wechat_url}/cashier/")
    payer.press("确认支付")

    bill.becomes(PAID)
    assert [attempt["payNo"] for attempt in bill.attempts] == [bill.pay_no]


def test_a_button_that_is_pressed_twice_is_one_payment(
    visit: Visit, stack: Stack, school: School, bill: Bill
) -> None:
    """WeChat answers slowly, and so do we: there is time to press again."""
    school.fault(school.by_wechat(), on="prepay", do="slow", seconds=3, times=1)
    payer = visit(PHONE)
    opening = f"POST {stack.api_url}/orders/requestpay"
    sent: list[str] = []
    payer.page.on("request", lambda request: sent.append(f"{request.method} {request.url}"))
    payer.open(bill.link)
    payer.button("微信支付").evaluate(_PRESSED_TWICE)
    payer.arrives_at(f"{stack.wechat_url}/cashier/")

    assert sent.count(opening) == 1
    assert len(bill.attempts) == 1
