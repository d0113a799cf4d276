"""A desktop shows codes, a phone pays, and the desktop goes on by itself."""

from __future__ import annotations

from urllib.parse import urlencode

from infra.local.stack import Stack
from tests.e2e.browser.camera import scan
from tests.e2e.browser.conftest import Visit
from tests.e2e.browser.counters import pay_at_alipay
from tests.e2e.browser.devices import DESKTOP, PHONE
from tests.e2e.browser.orders import PAID, Bill


def test_a_phone_scans_the_desktops_code_and_the_desktop_goes_on(
    visit: Visit, stack: Stack, bill: Bill
) -> None:
    desk, phone = visit(DESKTOP), visit(PHONE)
    desk.open(bill.link)
    desk.reads("请用手机扫描二维码支付")
    desk.looks("cashier-desktop")
    phone.open(scan(desk.page))
    phone.press("支付宝支付")
    pay_at_alipay(phone)

    phone.arrives_at(stack.env["H5_RESULT_URL"])
    desk.arrives_at(stack.env["H5_RESULT_URL"])
    bill.becomes(PAID)


def test_a_code_for_wechats_scanner_is_paid_and_the_desktop_goes_on(
    visit: Visit, stack: Stack, bill: Bill
) -> None:
    desk, phone = visit(DESKTOP), visit(PHONE)
    desk.open(bill.link)
    desk.page.get_by_text("不方便扫码").click()
    desk.looks("cashier-desktop-ways")
    desk.press("微信扫码支付")
    desk.reads("请用微信扫一扫支付")
    desk.looks("wechat-code")
    phone.open(f"{stack.wechat_url}/scan?{urlencode({'code_url': scan(desk.page)})}")
    phone.press("确认支付")
    phone.reads("支付成功")
    phone.looks("wechat-paid")

    desk.arrives_at(stack.env["H5_RESULT_URL"])
    bill.becomes(PAID)
