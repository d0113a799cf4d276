"""Refunds over HTTP, on fakes: who may, what is read of a request, what is answered."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.orders.model import PayNo
from tests.unit.orders.office import OPERATOR, SUPERVISOR, Office, refused
from tests.unit.orders.shop import STUDENT

ROUTES = [
    ("POST", "/refund"),
    ("GET", "/refunds"),
    ("POST", "/refunds/1_a/approve"),
    ("POST", "/refunds/1_a/reject"),
]


@pytest.fixture
def office(monkeypatch: pytest.MonkeyPatch) -> Office:
    return Office(monkeypatch)


@pytest.fixture
def order_id(office: Office) -> str:
    return office.paid().order.order_id


def test_a_refund_without_an_amount_is_of_all_that_is_left(office: Office, order_id: str) -> None:
    status, body = office.refund(order_id)
    assert status == 202
    number = body.pop("refundNo")
    assert number.startswith(f"{body['payNo']}_")
    assert body == {
        "payNo": office.shop.store.orders[order_id].paid_by_pay_no,
        "refundAmount": "9.90",
        "refundFen": 990,
        "reason": "学员申请",
        "status": "awaiting_approval",
        "kind": "on_demand",
        "createDate": "2026-03-01 12:00:00",
        "acceptedAt": None,
        "refundedAt": None,
        "orderId": order_id,
        "askedAmount": "9.90",
        "askedAmountFen": 990,
        "revoke": True,
        "requestedBy": OPERATOR,
        "approvedBy": None,
        "lastAnswer": None,
    }


@pytest.mark.parametrize("amount", [{"refundFen": 100}, {"refundAmount": "1"}])
def test_an_amount_may_be_told_in_fen_or_in_yuan(
    office: Office, order_id: str, amount: dict[str, Any]
) -> None:
    body = office.taken_in(order_id, **amount)
    assert (body["refundFen"], body["refundAmount"]) == (100, "1.00")
    assert (body["status"], body["revoke"]) == ("owed", False)


def test_the_goods_may_go_with_a_part_and_stay_with_the_whole(
    office: Office, order_id: str
) -> None:
    assert office.taken_in(order_id, refundFen=1, revoke=True)["revoke"] is True
    assert office.taken_in(order_id, idempotencyKey="k2", revoke=False)["revoke"] is False


def test_the_payment_to_refund_may_be_named(office: Office) -> None:
    offer = office.paid()
    body = office.taken_in(offer.order.order_id, payNo=offer.record.pay_no, refundFen=1)
    assert body["payNo"] == offer.record.pay_no


def test_a_field_that_is_null_is_absent_and_unknown_fields_are_ignored(
    office: Office, order_id: str
) -> None:
    body = office.taken_in(
        order_id,
        payNo=None,
        refundFen=None,
        refundAmount=None,
        revoke=None,
        status="done",
        requestedBy="somebody",
    )
    assert (body["refundFen"], body["revoke"]) == (990, True)
    assert (body["status"], body["requestedBy"]) == ("awaiting_approval", OPERATOR)


def test_the_same_key_and_words_give_the_same_refund(office: Office, order_id: str) -> None:
    first = office.taken_in(order_id, refundFen=100)
    assert office.taken_in(order_id, refundFen=100) == first
    assert len(office.shop.store.refund_rows) == 1


def test_the_same_key_with_other_words_is_a_conflict(office: Office, order_id: str) -> None:
    office.taken_in(order_id, refundFen=100)
    status, code, _ = refused(office.refund(order_id, refundFen=101))
    assert (status, code) == (409, "REFUND_NOT_POSSIBLE")
    assert len(office.shop.store.refund_rows) == 1


def test_the_key_may_come_in_a_header(office: Office, order_id: str) -> None:
    wish = {"reason": "学员申请", "refundFen": 100}
    path = f"/orders/{order_id}/refund"
    headers = {"Idempotency-Key": "k1"}

    status, first = office.ask("POST", path, wish, token=OPERATOR, headers=headers)

    assert status == 202
    assert office.taken_in(order_id, refundFen=100) == first
    both = office.ask(
        "POST", path, {**wish, "idempotencyKey": "k2"}, token=OPERATOR, headers=headers
    )
    assert refused(both)[0] == 400


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        ({"idempotencyKey": None}, "idempotencyKey"),
        ({"idempotencyKey": ""}, "idempotencyKey"),
        ({"idempotencyKey": "a b"}, "idempotencyKey"),
        ({"idempotencyKey": "k\n"}, "idempotencyKey"),
        ({"idempotencyKey": "钥匙"}, "idempotencyKey"),
        ({"idempotencyKey": "k" * 65}, "idempotencyKey"),
        ({"reason": None}, "reason"),
        ({"reason": ""}, "reason"),
        ({"reason": " \u3000"}, "reason"),
        ({"reason": "退" * 81}, "reason"),
        ({"reason": "第一行\n第二行"}, "reason"),
        ({"payNo": "x"}, "payNo"),
        ({"payNo": "9" * 20}, "payNo"),
        ({"refundFen": "1"}, "refundFen"),
        ({"refundFen": 1.0}, "refundFen"),
        ({"refundFen": True}, "refundFen"),
        ({"refundFen": 0}, "退款金额应大于 0"),
        ({"refundFen": -1}, "退款金额应大于 0"),
        ({"refundAmount": "0.00"}, "退款金额应大于 0"),
        ({"refundAmount": ""}, "refundAmount"),
        ({"refundAmount": "1.001"}, "refundAmount"),
        ({"refundAmount": "-1"}, "refundAmount"),
        ({"refundAmount": "1e2"}, "refundAmount"),
        ({"refundAmount": 1}, "refundAmount"),
        ({"refundFen": 100, "refundAmount": "1.00"}, "只能有一个"),
        ({"revoke": "true"}, "revoke"),
    ],
)
def test_i10_what_is_wrong_is_named_and_nothing_is_refunded(
    office: Office, order_id: str, wish: dict[str, Any], says: str
) -> None:
    status, code, message = refused(office.refund(order_id, **wish))
    assert (status, code) == (400, "INVALID_REQUEST")
    assert says in message
    assert office.shop.store.refund_rows == {}


@pytest.mark.parametrize("reason", ["退" * 80, "课程 “Java” – 50%", "👨‍👩‍👧 全家退课"])
def test_a_reason_may_be_what_people_write(office: Office, order_id: str, reason: str) -> None:
    assert office.taken_in(order_id, reason=reason)["reason"] == reason


@pytest.mark.parametrize("fen", [991, 10**30])
def test_i1_more_than_was_paid_does_not_go_back(office: Office, order_id: str, fen: int) -> None:
    status, code, message = refused(office.refund(order_id, refundFen=fen))
    assert (status, code, message) == (409, "REFUND_NOT_POSSIBLE", "最多还可以退 9.90 元")


def test_what_is_not_paid_cannot_be_refunded(office: Office) -> None:
    order_id = office.shop.opened().order.order_id
    status, code, _ = refused(office.refund(order_id))
    assert (status, code) == (409, "REFUND_NOT_POSSIBLE")


def test_i8_the_payment_of_another_order_is_not_refunded_here(office: Office) -> None:
    other = office.paid()
    order_id = office.paid_again().order.order_id
    status, code, _ = refused(office.refund(order_id, payNo=PayNo(other.record.pay_no)))
    assert (status, code) == (409, "REFUND_NOT_POSSIBLE")
    assert office.shop.store.refund_rows == {}


def test_another_operator_lets_a_large_refund_go_out(office: Office, order_id: str) -> None:
    number = office.taken_in(order_id)["refundNo"]
    path = f"/orders/{order_id}/refunds/{number}/approve"

    own = refused(office.ask("POST", path, token=OPERATOR))
    body = office.ok("POST", path, SUPERVISOR)

    assert own[:2] == (403, "FORBIDDEN")
    assert (body["status"], body["approvedBy"]) == ("owed", SUPERVISOR)
    assert office.ok("POST", path, SUPERVISOR) == body
    (listed,) = office.ok("GET", f"/orders/{order_id}/refunds", OPERATOR)["items"]
    assert listed == body


def test_a_refund_that_is_turned_down_can_be_asked_for_anew(office: Office, order_id: str) -> None:
    number = office.taken_in(order_id)["refundNo"]
    path = f"/orders/{order_id}/refunds/{number}"

    body = office.ok("POST", f"{path}/reject", SUPERVISOR)

    assert (body["status"], body["approvedBy"]) == ("released", None)
    assert SUPERVISOR in body["lastAnswer"]
    assert office.ok("POST", f"{path}/reject", SUPERVISOR) == body
    late = refused(office.ask("POST", f"{path}/approve", token=SUPERVISOR))
    assert late[:2] == (409, "REFUND_NOT_POSSIBLE")
    assert office.taken_in(order_id, idempotencyKey="k2")["refundFen"] == 990


@pytest.mark.parametrize("verb", ["approve", "reject"])
def test_i8_a_refund_is_decided_under_its_own_order_only(office: Office, verb: str) -> None:
    number = office.taken_in(office.paid().order.order_id)["refundNo"]
    other = office.paid_again().order.order_id
    before = dict(office.shop.store.refund_rows)

    answers = {
        refused(office.ask("POST", f"/orders/{other}/refunds/{no}/{verb}", token=SUPERVISOR))
        for no in (number, f"{number[:-1]}x", "nothing", "%23", "x" * 999)
    }

    assert answers == {(404, "NOT_FOUND", "退款不存在")}
    assert office.shop.store.refund_rows == before


@pytest.mark.parametrize(("method", "end"), ROUTES)
def test_an_operator_is_told_that_there_is_no_such_order(
    office: Office, order_id: str, method: str, end: str
) -> None:
    wish = {"idempotencyKey": "k1", "reason": "学员申请"} if end == "/refund" else None
    for number in (str(int(order_id) + 7), "0", "x"):
        answer = office.ask(method, f"/orders/{number}{end}", wish, token=OPERATOR)
        assert refused(answer) == (404, "NOT_FOUND", "订单不存在")


@pytest.mark.parametrize(("method", "end"), ROUTES)
def test_i8_without_the_role_every_number_gets_one_answer(
    office: Office, order_id: str, method: str, end: str
) -> None:
    office.taken_in(order_id)
    before = dict(office.shop.store.refund_rows)

    answers = {
        refused(office.ask(method, f"/orders/{number}{end}", {}, token=token))
        for number in (order_id, str(int(order_id) + 7), "x")
        for token in (STUDENT, "student-2")
    }

    assert answers == {(403, "FORBIDDEN", "没有权限")}
    assert office.shop.store.refund_rows == before


@pytest.mark.parametrize(("method", "end"), ROUTES)
def test_without_a_token_nothing_is_refunded(
    office: Office, order_id: str, method: str, end: str
) -> None:
    answer = office.ask(method, f"/orders/{order_id}{end}", token=None)
    assert refused(answer)[:2] == (401, "UNAUTHENTICATED")
