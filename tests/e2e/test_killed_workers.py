"""The stream pump and the scheduler are killed in the middle of their work, and started again.

The scheduler's functions run in processes of its group, and end with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from infra.local.purchase.nine_steps import Purchase
from infra.local.purchase.steps import until
from infra.local.purchase.way_to_pay import WayToPay
from tests.e2e.database_gate import DatabaseGate, Held
from tests.e2e.expiring import let_expire
from tests.e2e.school import (
    PATIENCE_SECONDS,
    Fault,
    School,
    do,
    learning,
    may_learn,
    order_becomes,
    order_of,
)

_TRANSACTION = "TransactWriteItems"
_GRANTS = "course-tables"
REFUND_CALL = {"Alipay": "alipay.trade.refund", "WeChat Pay": "refund"}

by_both = pytest.mark.parametrize(
    "by", [School.by_alipay, School.by_wechat], ids=["alipay", "wechat"]
)


def kill_at(school: School, part: str, held: Held | Fault) -> None:
    """Kill a part while ``held`` keeps it waiting, and start it again."""
    held.wait()
    school.kill(part)
    school.start(part)


def test_a_killed_question_of_watch_payments_is_asked_again(school: School) -> None:
    """Nobody told us of the payment, and whoever was about to find out was killed."""
    way = school.by_wechat()
    purchase = school.purchase(way)
    do(*purchase.steps()[:3])
    school.fault(way, on="notify", do="drop", out_trade_no=purchase.pay_no, times=1)
    way.pay()
    held = school.slow_answer(way, "query", purchase.pay_no)

    kill_at(school, "scheduler", held)

    assert order_becomes(purchase, "600002")["paidByPayNo"] == purchase.pay_no
    do(*purchase.steps()[7:])


def test_a_killed_closing_of_watch_payments_is_ended(school: School) -> None:
    way = school.by_wechat()
    purchase = school.purchase(way)
    do(*purchase.steps()[:3])
    held = school.slow_answer(way, "close", purchase.pay_no)
    let_expire(school.stack, purchase.order_id, job_looks=True)

    kill_at(school, "scheduler", held)

    assert order_becomes(purchase, "600003")["closeReason"] == "expired"
    assert way.trade(purchase.pay_no).state == "CLOSED"


@by_both
def test_a_refund_whose_sending_was_killed_goes_out_once(
    school: School, by: Callable[[School], WayToPay]
) -> None:
    """The money is on its way, and who sent it never heard so: it goes once, not twice."""
    way = by(school)
    purchase = school.purchase(way)
    do(*purchase.steps())
    if way.platform == "WeChat Pay":
        school.fault(way, on="refund_notify", do="drop", out_trade_no=purchase.pay_no, times=1)
    held = school.slow_answer(way, REFUND_CALL[way.platform], purchase.pay_no)
    ask, paid_back, taken_back = school.refund(purchase).steps()
    do(ask)

    kill_at(school, "scheduler", held)

    do(paid_back, taken_back)


def test_a_message_published_and_not_deleted_opens_the_course_once(
    school: School, gate: DatabaseGate
) -> None:
    """The message goes out twice, and the course is open as long as it was paid for."""
    purchase = school.purchase(school.by_wechat())
    do(*purchase.steps()[:3])
    held = gate.hold("BatchWriteItem", f"{purchase.order_id}#paid", carried_out=False)
    purchase.way.pay()

    kill_at(school, "stream_pump", held)

    do(*purchase.steps()[4:])
    assert purchase.listener.hear(purchase.record_id, PATIENCE_SECONDS) is not None
    _is_granted_once(purchase)


@pytest.mark.parametrize("carried_out", [True, False], ids=["written", "not written"])
def test_a_killed_grant_opens_the_course_once(
    school: School, gate: DatabaseGate, carried_out: bool
) -> None:
    purchase = school.purchase(school.by_wechat())
    do(*purchase.steps()[:3])
    grant = gate.hold(_TRANSACTION, purchase.record_id, _GRANTS, carried_out=carried_out)
    purchase.way.pay()

    kill_at(school, "scheduler", grant)

    do(*purchase.steps()[4:])
    _is_delivered_again(school, "paynotify_queue")
    _is_granted_once(purchase)


def test_a_killed_revocation_takes_the_course_back(school: School, gate: DatabaseGate) -> None:
    purchase = school.purchase(school.by_alipay())
    do(*purchase.steps())
    ask, *rest = school.refund(purchase).steps()
    revocation = gate.hold(_TRANSACTION, purchase.record_id, _GRANTS, carried_out=True)
    do(ask)

    kill_at(school, "scheduler", revocation)

    do(*rest)
    _is_delivered_again(school, "refundnotify_queue")
    assert learning(purchase)["learnStatus"] == "702002"


def _is_delivered_again(school: School, queue: str) -> None:
    """The drain that was started after the kill has done with the message, and says so."""
    log = school.stack.part("scheduler").child
    acked = re.compile(rf'"queue":"{queue}","report":"DrainReport\(acked=1, retried=0, dead=0')
    until(f"{queue} did not deliver again", lambda: acked.search(log.output()), PATIENCE_SECONDS)


def _is_granted_once(purchase: Purchase) -> None:
    """The course is open for the days that were bought, from the payment on."""
    may_learn(purchase)
    granted = learning(purchase)
    year, rest = granted["validtimeStart"].split("-", 1)
    assert granted["validtimeEnd"] == f"{int(year) + 1}-{rest}"
    assert order_of(purchase)["status"] == "600002"
