"""Refunds from the operator's request to the money that is back, on the real engine."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from chalicelib import wiring
from chalicelib.deadline import Deadline
from tests.integration.api.client import assert_refused
from tests.integration.api.my_orders import decide, operator, refund, show
from tests.integration.api.shop import Purchase, Shop, Student


@pytest.fixture(scope="module")
def clerk(shop: Shop) -> Student:
    return operator(shop)


def paid_at_alipay(shop: Shop) -> Purchase:
    """A purchase that Alipay knows to be paid, so that it can pay it back."""
    purchase = shop.order()
    shop.pay_at_alipay(purchase)
    assert shop.result(purchase)["orderStatus"] == "600002"
    return purchase


def send_refunds() -> None:
    wiring.refund_sender().run(Deadline.after(20))


def test_all_of_the_money_goes_back_and_takes_the_course_along(shop: Shop, clerk: Student) -> None:
    purchase = paid_at_alipay(shop)

    answer = refund(shop, purchase, clerk)
    assert answer.status == 202
    taken = answer.json()
    send_refunds()

    assert (taken["refundFen"], taken["status"], taken["revoke"]) == (990, "owed", True)
    order = show(shop, purchase)
    assert order["status"] == "600004"
    (row,) = order["refunds"]
    assert (row["refundNo"], row["status"]) == (taken["refundNo"], "done")
    assert row["refundedAt"] is not None
    assert len(shop.messages_of(purchase)) == 2, "paid, and refunded"
    assert_refused(refund(shop, purchase, clerk, idempotencyKey="k2"), 409, "REFUND_NOT_POSSIBLE")


def test_a_part_leaves_the_course_open(shop: Shop, clerk: Student) -> None:
    purchase = paid_at_alipay(shop)

    taken = refund(shop, purchase, clerk, refundAmount="1.00").json()
    send_refunds()

    order = show(shop, purchase)
    assert (taken["revoke"], order["status"]) == (False, "600002")
    assert [row["status"] for row in order["refunds"]] == ["done"]
    assert len(shop.messages_of(purchase)) == 1
    refused = refund(shop, purchase, clerk, idempotencyKey="k2", refundFen=891)
    assert_refused(refused, 409, "REFUND_NOT_POSSIBLE", "8.90")


def test_a_repeated_request_is_one_refund(shop: Shop, clerk: Student) -> None:
    purchase = shop.paid()
    first = refund(shop, purchase, clerk, refundFen=100).json()

    with shop.unchanged():
        again = refund(shop, purchase, clerk, refundFen=100)
        other = refund(shop, purchase, clerk, refundFen=200)

    assert (again.status, again.json()) == (202, first)
    assert_refused(other, 409, "REFUND_NOT_POSSIBLE", "请求编号")


def test_i7_the_same_request_at_once_is_one_refund(shop: Shop, clerk: Student) -> None:
    purchase = shop.paid()

    with ThreadPoolExecutor(max_workers=4) as windows:
        answers = list(
            windows.map(lambda _: refund(shop, purchase, clerk, refundFen=300), range(4))
        )

    assert {answer.status for answer in answers} == {202}
    assert len({answer.json()["refundNo"] for answer in answers}) == 1
    assert len(shop.refunds_of(purchase)) == 1


def test_i1_two_operators_at_once_do_not_pay_back_more_than_was_paid(
    shop: Shop, clerk: Student
) -> None:
    purchase = shop.paid()

    with ThreadPoolExecutor(max_workers=2) as desks:
        answers = list(
            desks.map(
                lambda key: refund(shop, purchase, clerk, idempotencyKey=key, refundFen=600),
                ("k1", "k2"),
            )
        )

    assert sorted(answer.status for answer in answers) == [202, 409]
    assert sum(int(row["amount_fen"]["N"]) for row in shop.refunds_of(purchase)) == 600


def test_a_large_refund_waits_for_another_operator(shop: Shop, clerk: Student) -> None:
    purchase = shop.opened(price_fen=100_001)
    assert shop.notify(purchase).text == "success"
    taken = refund(shop, purchase, clerk).json()
    assert taken["status"] == "awaiting_approval"

    with shop.unchanged():
        assert_refused(decide(shop, taken, "approve", clerk), 403, "FORBIDDEN", "审批")
    approved = decide(shop, taken, "approve", operator(shop)).ok()

    assert approved["status"] == "owed"
    assert approved["approvedBy"] not in (None, clerk.user_id)
    listed = shop.client.get(f"/orders/{purchase.order_id}/refunds", token=clerk.token).ok()
    assert listed["items"] == [approved]
    late = decide(shop, taken, "reject", operator(shop))
    assert_refused(late, 409, "REFUND_NOT_POSSIBLE")


def test_a_refund_that_is_turned_down_frees_its_money(shop: Shop, clerk: Student) -> None:
    purchase = shop.opened(price_fen=100_001)
    assert shop.notify(purchase).text == "success"
    taken = refund(shop, purchase, clerk).json()

    rejected = decide(shop, taken, "reject", operator(shop)).ok()

    assert rejected["status"] == "released"
    assert show(shop, purchase)["refunds"][0]["status"] == "released"
    assert refund(shop, purchase, clerk, idempotencyKey="k2").status == 202


def test_the_owner_does_not_read_who_refunds(shop: Shop, clerk: Student) -> None:
    purchase = shop.paid()
    assert refund(shop, purchase, clerk, refundFen=100).status == 202

    order = show(shop, purchase)

    (row,) = order["refunds"]
    assert row.keys().isdisjoint({"requestedBy", "approvedBy", "lastAnswer"})
    assert clerk.user_id not in str(order)


def test_a_role_of_another_service_refunds_nothing(shop: Shop) -> None:
    purchase = shop.paid()
    for roles in ([], ["teacher"], ["refund-operators"], ["REFUND-OPERATOR"]):
        token = shop.token(purchase.student.user_id, roles=roles)
        with shop.unchanged():
            answer = refund(shop, purchase, Student(purchase.student.user_id, token))
        assert_refused(answer, 403, "FORBIDDEN")
