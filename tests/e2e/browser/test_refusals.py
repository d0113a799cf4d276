"""What a payer reads when something is wrong, and where it leads from there."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from chalicelib.clock import SystemClock
from chalicelib.orders.pages.links import LinkSigner, payment_url
from infra.local.stack import Stack
from tests.e2e.browser.conftest import Visit
from tests.e2e.browser.devices import DESKTOP, PHONE, WECHAT
from tests.e2e.browser.orders import PAID, Bill
from tests.e2e.school import School

_REFUSED = r"status of 4\d\d .*/orders/requestpay"


def test_a_link_that_somebody_has_changed_is_refused(visit: Visit, bill: Bill) -> None:
    payer = visit(PHONE)
    payer.expects(_REFUSED)
    payer.open(bill.link[:-2] + "xx")
    payer.reads("链接")
    payer.looks("link-refused")

    assert payer.page.get_by_role("button").count() == 0


def test_a_link_from_long_ago_reads_like_one_that_was_changed(
    visit: Visit, stack: Stack, bill: Bill
) -> None:
    clock = SystemClock()
    secret = (Path(stack.env["SECRETS_DIR"]) / "link_keys").read_text(encoding="utf-8")
    sign = LinkSigner.from_secret(secret, clock).sign(
        "pay", bill.pay_no, clock.now() - timedelta(seconds=1)
    )
    ours, changed = visit(PHONE), visit(PHONE)
    for payer in (ours, changed):
        payer.expects(_REFUSED)
    ours.open(payment_url(stack.api_url, bill.pay_no, sign))
    changed.open(bill.link[:-2] + "xx")

    assert ours.page.inner_text("main") == changed.page.inner_text("main")


def test_a_platform_that_refuses_leaves_a_way_back_to_the_cashier(
    visit: Visit, stack: Stack, school: School, bill: Bill
) -> None:
    school.fault(school.by_wechat(), on="prepay", do="system_error", times=1)
    payer = visit(PHONE)
    payer.expects(r"status of [45]\d\d .*/orders/requestpay")
    payer.open(bill.link)
    payer.press("微信支付")
    payer.page.get_by_role("link", name="返回收银台").wait_for()
    payer.looks("platform-refused")
    payer.follow("返回收银台")

    payer.reads("剩余支付时间")
    assert payer.button("支付宝支付").is_enabled()


def test_who_presses_pay_on_a_page_that_is_out_of_date_reads_that_it_is_paid(
    visit: Visit, stack: Stack, bill: Bill
) -> None:
    late, quick = visit(PHONE), visit(WECHAT)
    late.expects(_REFUSED)
    late.open(bill.link)
    quick.open(bill.link)
    quick.press("微信支付")
    quick.press("确认支付")
    bill.becomes(PAID)
    late.press("支付宝支付")
    late.reads("已支付")
    late.looks("already-paid")
    late.follow("返回收银台")

    late.reads("订单已支付")


def test_a_desktop_that_loses_the_network_says_so_and_goes_on_when_it_is_back(
    visit: Visit, stack: Stack, bill: Bill
) -> None:
    desk, phone = visit(DESKTOP), visit(WECHAT)
    desk.expects("ERR_INTERNET_DISCONNECTED")
    desk.open(bill.link)
    desk.reads("请用手机扫描二维码支付")
    desk.context.set_offline(True)
    desk.reads("暂时查询不到支付结果")
    desk.looks("cashier-offline")
    phone.open(bill.link)
    phone.press("微信支付")
    phone.press("确认支付")
    bill.becomes(PAID)
    desk.context.set_offline(False)

    desk.arrives_at(stack.env["H5_RESULT_URL"])
