"""Cancelling an order: nothing of it can be paid any more, or it is paid."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib import wiring
from chalicelib.deadline import Deadline
from chalicelib.orders.model import OrderId, PayChannel, PayNo, TradeType
from chalicelib.orders.platform import Payer
from chalicelib.orders.ports import Change
from infra.local.alipay.faults import Fault
from infra.local.wechat.faults import Fault as WeChatFault
from tests.integration.api.client import assert_refused
from tests.integration.api.my_orders import cancel, show
from tests.integration.api.shop import Purchase, Shop, new_id

NATIVE = Payer(channel=PayChannel.WECHAT, trade_type=TradeType.WX_NATIVE)


def opened_at_wechat(shop: Shop) -> Purchase:
    purchase = shop.order()
    wiring.cashier().open(PayNo(purchase.pay_no), NATIVE, Deadline.after(20))
    return purchase


def let_the_claim_end(purchase: Purchase) -> None:
    """The time in which the platform may still answer is over."""
    store = wiring.order_store()
    order = store.order(OrderId(purchase.order_id))
    assert order is not None
    assert order.claim_token is not None
    past = wiring.clock().now() - timedelta(seconds=1)
    store.commit(Change(write_id=new_id(), orders=(replace(order, claim_deadline=past),)))


def test_an_order_that_nobody_opened_is_closed_without_a_question(shop: Shop) -> None:
    purchase = shop.order()

    with shop.asks_the_platform(times=0):
        order = cancel(shop, purchase).ok()

    assert (order["status"], order["closeReason"]) == ("600003", "cancelled")
    assert [attempt["status"] for attempt in order["attempts"]] == ["601004"]
    assert shop.result(purchase)["orderStatus"] == "600003"


@pytest.mark.parametrize("platform", ["Alipay", "WeChat"])
def test_an_open_payment_is_withdrawn_at_its_platform_first(shop: Shop, platform: str) -> None:
    purchase = shop.opened() if platform == "Alipay" else opened_at_wechat(shop)

    with shop.asks_the_platform(times=1):
        order = cancel(shop, purchase).ok()

    assert order["status"] == "600003"
    with shop.unchanged():
        assert cancel(shop, purchase).ok()["status"] == "600003"


def test_the_course_can_be_ordered_again_at_once(shop: Shop) -> None:
    purchase = shop.opened()
    cancel(shop, purchase).ok()

    again = shop.pay_code(purchase.student, purchase.record_id).ok()

    assert again["orderId"] != purchase.order_id
    assert again["status"] == "601001"


def test_i2_an_order_that_turns_out_to_be_paid_stays_paid(shop: Shop) -> None:
    purchase = shop.order()
    shop.pay_at_alipay(purchase)

    assert_refused(cancel(shop, purchase), 409, "ORDER_ALREADY_PAID")

    assert show(shop, purchase)["status"] == "600002"
    assert len(shop.messages_of(purchase)) == 1


def test_a_paid_order_is_not_cancelled(shop: Shop) -> None:
    purchase = shop.paid()
    with shop.unchanged():
        assert_refused(cancel(shop, purchase), 409, "ORDER_ALREADY_PAID")


@pytest.mark.parametrize("platform", ["Alipay", "WeChat"])
def test_while_the_platform_gives_no_answer_nothing_is_decided(shop: Shop, platform: str) -> None:
    if platform == "Alipay":
        purchase = shop.opened()
        fault = Fault(on="alipay.trade.close", do="html", out_trade_no=purchase.pay_no)
        shop.platform.faults.add(fault)
    else:
        purchase = opened_at_wechat(shop)
        shop.wechat.faults.add(
            WeChatFault(on="close", do="html", out_trade_no=purchase.pay_no, times=3)
        )

    answer = cancel(shop, purchase)

    assert_refused(answer, 409, "PAYMENT_IN_PROGRESS", "处理中")
    assert int(answer.headers["retry-after"]) >= 1
    order = show(shop, purchase)
    assert (order["status"], order["closeReason"]) == ("600001", "cancelled")
    again = shop.pay_code(purchase.student, purchase.record_id)
    assert_refused(again, 409, "PAYMENT_IN_PROGRESS")

    if platform == "Alipay":
        let_the_claim_end(purchase)
        assert cancel(shop, purchase).ok()["status"] == "600003"


def test_i7_cancelling_from_two_windows_at_once_closes_once(shop: Shop) -> None:
    purchase = shop.opened()

    with ThreadPoolExecutor(max_workers=4) as windows:
        answers = list(windows.map(lambda _: cancel(shop, purchase), range(4)))

    assert {answer.status for answer in answers} <= {200, 409}
    assert 200 in {answer.status for answer in answers}
    for answer in answers:
        if answer.status == 409:
            assert_refused(answer, 409, "PAYMENT_IN_PROGRESS")
    assert show(shop, purchase)["status"] == "600003"
    assert cancel(shop, purchase).status == 200


def test_a_body_is_not_read(shop: Shop) -> None:
    purchase = shop.order()
    path = f"/orders/{purchase.order_id}/cancel"
    answer = shop.client.post_json(
        path, {"userId": "1", "status": "600002"}, purchase.student.token
    )
    assert answer.ok()["status"] == "600003"
