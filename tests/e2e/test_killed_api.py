"""The process of the HTTP endpoints is killed in the middle of a request, and started again.

Each request is held at one call: to a payment platform that has carried it out and lets its caller
wait, or to the database, before or after the write. Whoever asked asks again, as people and
platforms do, and everything ends as if nothing had happened.
"""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from infra.local.purchase.nine_steps import Purchase
from infra.local.purchase.steps import StepFailed
from infra.local.purchase.way_to_pay import WayToPay
from tests.e2e.database_gate import DatabaseGate
from tests.e2e.expiring import let_expire
from tests.e2e.school import School, at_last, do, kill_api, may_learn, order_becomes, order_of

_TRANSACTION = "TransactWriteItems"


@pytest.fixture(params=[True, False], ids=["written", "not written"])
def carried_out(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def test_an_attempt_whose_opening_was_killed_is_opened_under_its_number(school: School) -> None:
    way = school.by_wechat()
    purchase = school.purchase(way)
    do(*purchase.steps()[:2])
    held = school.slow_answer(way, "prepay", purchase.pay_no)

    kill_api(school, held, lambda: way.arrive(purchase.link))

    at_last(lambda: way.arrive(purchase.link))
    do(*purchase.steps()[3:])
    [attempt] = order_of(purchase)["attempts"]
    assert attempt["payNo"] == purchase.pay_no


def test_a_killed_switch_to_alipay_goes_on(school: School) -> None:
    in_wechat, in_alipay = school.by_wechat(), school.by_alipay()
    purchase = school.purchase(in_wechat)
    do(*purchase.steps()[:3])
    held = school.slow_answer(in_wechat, "close", purchase.pay_no)

    kill_api(school, held, lambda: in_alipay.arrive(purchase.link))

    at_last(lambda: in_alipay.arrive(purchase.link))
    in_alipay.pay()
    may_learn(purchase)
    closed, paid = order_of(purchase)["attempts"]
    assert (closed["payNo"], closed["status"]) == (purchase.pay_no, "601004")
    assert (paid["outPayChannel"], paid["status"]) == ("603002", "601002")


def test_an_order_whose_making_was_killed_is_made_once(
    school: School, gate: DatabaseGate, carried_out: bool
) -> None:
    purchase = school.purchase(school.by_alipay())
    choose, order, *rest = purchase.steps()
    do(choose)
    write = gate.hold(_TRANSACTION, purchase.record_id, carried_out=carried_out)

    kill_api(school, write, order.do)

    do(order, *rest)
    orders = purchase.student.asks("GET", "/orders")["items"]
    assert [each["orderId"] for each in orders] == [purchase.order_id]


def test_an_expired_order_whose_replacing_was_killed_is_replaced(school: School) -> None:
    way = school.by_wechat()
    purchase = school.purchase(way)
    choose, order, scan, *rest = purchase.steps()
    do(choose, order, scan)
    old = (purchase.order_id, purchase.pay_no)
    let_expire(school.stack, purchase.order_id, job_looks=False)
    held = school.slow_answer(way, "close", purchase.pay_no)

    kill_api(school, held, order.do)

    at_last(lambda: _another_order(purchase, old[0]))
    do(scan, *rest)
    assert purchase.student.asks("GET", f"/orders/{old[0]}")["status"] == "600003"
    assert way.trade(old[1]).state == "CLOSED"


def test_a_killed_cancelling_ends_closed_on_both_sides(school: School) -> None:
    way = school.by_wechat()
    purchase = school.purchase(way)
    choose, order, scan, *rest = purchase.steps()
    do(choose, order, scan)
    held = school.slow_answer(way, "close", purchase.pay_no)

    kill_api(school, held, lambda: _cancel(purchase))

    closed = order_becomes(purchase, "600003")
    assert closed["closeReason"] == "cancelled"
    assert way.trade(purchase.pay_no).state == "CLOSED"
    _cancel(purchase)
    do(order, scan, *rest)


def test_a_refund_whose_request_was_killed_is_paid_back_once(
    school: School, gate: DatabaseGate, carried_out: bool
) -> None:
    purchase = school.purchase(school.by_wechat())
    do(*purchase.steps())
    refund = school.refund(purchase)
    write = gate.hold(_TRANSACTION, purchase.order_id, carried_out=carried_out)

    kill_api(school, write, refund.ask)

    do(*refund.steps())


@pytest.mark.parametrize("by", [School.by_alipay, School.by_wechat], ids=["alipay", "wechat"])
def test_a_payment_whose_notification_was_killed_opens_the_course(
    school: School,
    gate: DatabaseGate,
    carried_out: bool,
    by: Callable[[School], WayToPay],
) -> None:
    purchase = school.purchase(by(school))
    do(*purchase.steps()[:3])
    write = gate.hold(_TRANSACTION, purchase.pay_no, carried_out=carried_out)

    purchase.way.pay()
    write.wait()
    school.kill("api")
    assert purchase.way.payment_news(purchase.pay_no) == [], "it was answered before the kill"
    school.start("api")
    _platform_notifies_again(school, purchase)

    do(*purchase.steps()[4:])


def _another_order(purchase: Purchase, than: str) -> None:
    purchase.steps()[1].do()
    if purchase.order_id == than:
        raise StepFailed("it is the old order still")


def _cancel(purchase: Purchase) -> None:
    purchase.student.asks("POST", f"/orders/{purchase.order_id}/cancel", content="")


def _platform_notifies_again(school: School, purchase: Purchase) -> None:
    home = school.stack.alipay_url if purchase.way.platform == "Alipay" else school.stack.wechat_url
    url = f"{home}/_control/trades/{purchase.pay_no}/notify"
    at_last(lambda: httpx.post(url).raise_for_status())
