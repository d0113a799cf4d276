"""An order whose time ends while somebody looks at it, and one that had ended before."""

from __future__ import annotations

from infra.local.stack import Stack
from tests.e2e.browser.conftest import Visit
from tests.e2e.browser.devices import DESKTOP, PHONE
from tests.e2e.browser.orders import CLOSED, Bill
from tests.e2e.expiring import let_expire


def test_a_page_that_stays_open_counts_down_and_then_offers_nothing(
    visit: Visit, bill: Bill
) -> None:
    payer = visit(PHONE)
    payer.page.clock.install()
    payer.open(bill.link)
    payer.reads("剩余支付时间")
    payer.page.clock.fast_forward("26:00")
    payer.reads("03:")
    payer.looks("cashier-last-minutes")
    payer.page.clock.fast_forward("03:00")
    payer.reads("剩余时间不足，无法再发起支付")
    payer.looks("cashier-too-late")
    assert payer.button("支付宝支付").count() == 0
    payer.page.clock.fast_forward("02:00")
    payer.reads("支付已超时")
    payer.looks("cashier-expired-while-looking")

    assert payer.page.get_by_role("button").count() == 0


def test_a_desktops_code_goes_with_its_time(visit: Visit, bill: Bill) -> None:
    desk = visit(DESKTOP)
    desk.page.clock.install()
    desk.open(bill.link)
    desk.reads("请用手机扫描二维码支付")
    desk.page.clock.fast_forward("31:00")
    desk.reads("支付已超时")

    assert desk.page.get_by_role("img").count() == 0


def test_the_link_of_an_order_that_has_ended_says_so(
    visit: Visit, stack: Stack, bill: Bill
) -> None:
    let_expire(stack, bill.order_id, job_looks=True)
    bill.becomes(CLOSED)
    payer = visit(PHONE)
    payer.open(bill.link)
    payer.reads("订单已关闭或已过期")
    payer.looks("cashier-closed")

    assert payer.page.get_by_role("button").count() == 0
