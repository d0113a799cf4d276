"""The process of the HTTP endpoints is killed while it asks, approves, or hears of a refund."""

from __future__ import annotations

import httpx
import pytest

from infra.local.purchase.course import Course
from infra.local.purchase.person import Person
from infra.local.purchase.steps import until
from tests.e2e.database_gate import DatabaseGate
from tests.e2e.school import (
    PATIENCE_SECONDS,
    School,
    at_last,
    do,
    kill_api,
    may_learn,
    order_becomes,
    order_of,
)

_TRANSACTION = "TransactWriteItems"


@pytest.fixture(params=[True, False], ids=["written", "not written"])
def carried_out(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def test_a_result_whose_question_was_killed_is_asked_for_again(school: School) -> None:
    way = school.by_wechat()
    purchase = school.purchase(way)
    do(*purchase.steps()[:3])
    school.fault(way, on="notify", do="drop", times=1, out_trade_no=purchase.pay_no)
    # nobody else shall ask the question that is held
    school.kill("scheduler")
    way.pay()
    held = school.slow_answer(way, "query", purchase.pay_no)

    kill_api(
        school,
        held,
        lambda: purchase.student.asks(
            "GET", "/orders/payresult", params={"payNo": purchase.pay_no}
        ),
    )

    school.start("scheduler")
    order_becomes(purchase, "600002")
    may_learn(purchase)


def test_an_approval_that_was_killed_pays_back_once(
    school: School, gate: DatabaseGate, carried_out: bool
) -> None:
    purchase = school.purchase(school.by_alipay(), goods=Course("1003"))
    do(*purchase.steps())
    refund = school.refund(purchase)
    refund.ask()
    assert order_of(purchase)["refunds"][0]["status"] == "awaiting_approval"
    supervisor = school.operator("9002")
    write = gate.hold(_TRANSACTION, refund.refund_no, carried_out=carried_out)

    kill_api(school, write, lambda: _approve(supervisor, purchase.order_id, refund.refund_no))

    at_last(lambda: _approve(supervisor, purchase.order_id, refund.refund_no))
    do(*refund.steps()[1:])


def test_a_refund_whose_notification_was_killed_is_counted_once(
    school: School, gate: DatabaseGate, carried_out: bool
) -> None:
    purchase = school.purchase(school.by_wechat())
    do(*purchase.steps())
    refund = school.refund(purchase)
    refund.ask()
    write = gate.hold(_TRANSACTION, refund.refund_no, '{"S": "done"}', carried_out=carried_out)

    write.wait()
    school.kill("api")
    school.start("api")
    trade = f"{school.stack.wechat_url}/_control/trades/{purchase.pay_no}"
    at_last(lambda: httpx.post(f"{trade}/notify").raise_for_status())

    do(*refund.steps()[1:])
    until(
        "WeChat's notification was not taken",
        lambda: any(
            d["is_accepted"]
            for n in httpx.get(trade).json()["notifications"]
            if n["event_type"].startswith("REFUND")
            for d in n["deliveries"]
        ),
        PATIENCE_SECONDS,
    )


def _approve(supervisor: Person, order_id: str, refund_no: str) -> None:
    supervisor.asks("POST", f"/orders/{order_id}/refunds/{refund_no}/approve", content="")
