"""I8: whoever walks over neighbouring numbers learns nothing, and changes nothing.

Numbers count upwards, so those of others can be guessed. Each route must answer a number of
somebody else exactly as it answers one that does not exist.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

import pytest

from tests.integration.api.client import Answer
from tests.integration.api.material_counter import Library
from tests.integration.api.my_orders import operator, refund
from tests.integration.api.shop import Purchase, Shop, Student

ALIPAY, WECHAT = "603002", "603001"
DESKTOP = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64)"}
_NONCE = re.compile(r"nonce-[^']+'|nonce=\"[^\"]+\"")

Ask = Callable[[Shop, Student, str], Answer]


@dataclass(frozen=True)
class Neighbours:
    """Numbers of others in several states, and numbers beside them that nobody has."""

    theirs: tuple[str, ...]
    nobodys: tuple[str, ...]


@pytest.fixture(scope="module")
def stranger(shop: Shop) -> Student:
    return shop.student()


@pytest.fixture(scope="module")
def others(shop: Shop) -> list[Purchase]:
    refunded = shop.paid()
    assert refund(shop, refunded, operator(shop), refundFen=100).status == 202
    library = Library(shop)
    return [
        shop.order(),
        shop.opened(),
        shop.paid(),
        refunded,
        library.order(),
        library.paid(),
        library.owned(),
    ]


@pytest.fixture(scope="module")
def numbers(others: list[Purchase]) -> Neighbours:
    theirs = [no for purchase in others for no in (purchase.order_id, purchase.pay_no)]
    theirs += [purchase.record_id for purchase in others]
    beside = {str(int(no) + step) for no in theirs for step in (-2, -1, 1, 2)} - set(theirs)
    assert len(beside) >= len(theirs)
    return Neighbours(tuple(theirs), tuple(sorted(beside)))


def without_what_differs_always(answer: Answer) -> object:
    """All of an answer but the request's id and the page's nonce."""
    headers = {
        name: _NONCE.sub("", value)
        for name, value in answer.headers.items()
        if name != "x-amzn-requestid"
    }
    if answer.media_type == "application/json":
        return headers, answer.without_request_id()
    return headers, answer.status, _NONCE.sub("", answer.text)


def assert_alike(shop: Shop, stranger: Student, numbers: Neighbours, ask: Ask, status: int) -> None:
    with shop.unchanged():
        answers = {no: ask(shop, stranger, no) for no in (*numbers.theirs, *numbers.nobodys)}
    assert {answer.status for answer in answers.values()} == {status}
    seen = {no: without_what_differs_always(answer) for no, answer in answers.items()}
    assert_all_equal(seen[no] for no in (*numbers.nobodys, *numbers.theirs))


def assert_all_equal(things: Iterable[object]) -> None:
    first, *rest = things
    assert [thing for thing in rest if thing != first] == []


def as_stranger(method: str, path: str) -> Ask:
    def ask(shop: Shop, stranger: Student, number: str) -> Answer:
        return shop.client.send(method, path.format(number), token=stranger.token)

    return ask


def refund_as_stranger(shop: Shop, stranger: Student, number: str) -> Answer:
    wish = {"idempotencyKey": "k1", "reason": "学员申请", "payNo": number}
    return shop.client.post_json(f"/orders/{number}/refund", wish, stranger.token)


def pay_code_as_stranger(shop: Shop, stranger: Student, number: str) -> Answer:
    return shop.pay_code(stranger, number)


def pay_code_of_a_material_as_stranger(shop: Shop, stranger: Student, number: str) -> Answer:
    return Library(shop).pay_code(stranger, number)


def pay_result_as_stranger(shop: Shop, stranger: Student, number: str) -> Answer:
    return shop.client.get("/orders/payresult", {"payNo": number}, stranger.token)


def pay_result_with_a_signature_of_another(shop: Shop, stranger: Student, number: str) -> Answer:
    query = {"payNo": number, "sign": shop.sign("pay", "1")}
    return shop.client.get("/orders/payresult", query, stranger.token)


def pay_result_with_nothing(shop: Shop, stranger: Student, number: str) -> Answer:
    return shop.client.get("/orders/payresult", {"payNo": number})


def cashier_without_signature(shop: Shop, stranger: Student, number: str) -> Answer:
    query = {"payNo": number}
    return shop.client.send(
        "GET", "/orders/requestpay", query=query, headers=DESKTOP, token=stranger.token
    )


def cashier_with_an_expired_signature(shop: Shop, stranger: Student, number: str) -> Answer:
    query = {"payNo": number, "sign": shop.sign("pay", number, timedelta(seconds=-1))}
    return shop.client.send("GET", "/orders/requestpay", query=query, headers=DESKTOP)


def opening(channel: str) -> Ask:
    def ask(shop: Shop, stranger: Student, number: str) -> Answer:
        token = shop.sign("open", "1")
        fields = {"payNo": number, "token": token, "channel": channel}
        return shop.client.post_form("/orders/requestpay", fields)

    return ask


def alipay_return_unsigned(shop: Shop, stranger: Student, number: str) -> Answer:
    query = shop.alipay.return_query(out_trade_no="1") | {"out_trade_no": number}
    return shop.client.get("/orders/alipayreturn", query)


WALKS: dict[str, tuple[Ask, int]] = {
    "an order": (as_stranger("GET", "/orders/{}"), 404),
    "cancel": (as_stranger("POST", "/orders/{}/cancel"), 404),
    "refund": (refund_as_stranger, 403),
    "refunds": (as_stranger("GET", "/orders/{}/refunds"), 403),
    "approve": (as_stranger("POST", "/orders/{0}/refunds/{0}_1/approve"), 403),
    "reject": (as_stranger("POST", "/orders/{0}/refunds/{0}_1/reject"), 403),
    "pay code": (pay_code_as_stranger, 404),
    "pay code, material": (pay_code_of_a_material_as_stranger, 404),
    "download": (as_stranger("GET", "/resources/{}/download"), 404),
    "pay result": (pay_result_as_stranger, 404),
    "pay result, another's signature": (pay_result_with_a_signature_of_another, 400),
    "pay result, nothing": (pay_result_with_nothing, 401),
    "cashier": (cashier_without_signature, 400),
    "cashier, expired": (cashier_with_an_expired_signature, 400),
    "open at Alipay": (opening(ALIPAY), 400),
    "open at WeChat": (opening(WECHAT), 400),
    "return of Alipay": (alipay_return_unsigned, 400),
}


@pytest.mark.parametrize(("ask", "status"), WALKS.values(), ids=WALKS)
def test_i8_a_number_of_somebody_else_is_answered_as_one_that_nobody_has(
    shop: Shop, stranger: Student, numbers: Neighbours, ask: Ask, status: int
) -> None:
    assert_alike(shop, stranger, numbers, ask, status)


def test_i8_the_orders_of_others_are_in_no_list(
    shop: Shop, stranger: Student, others: list[Purchase]
) -> None:
    page = shop.client.get("/orders", {"size": "50"}, stranger.token).ok()
    assert page["items"] == []


def test_the_same_numbers_are_answered_to_their_owners(shop: Shop, others: list[Purchase]) -> None:
    """Or else all of the above would hold for a service that knows no number at all."""
    for purchase in others:
        token = purchase.student.token
        assert shop.client.get(f"/orders/{purchase.order_id}", token=token).status == 200
        assert shop.result(purchase)["orderId"] == purchase.order_id
        assert shop.client.follow("GET", purchase.pay_code["payUrl"]).status == 200


def test_an_operator_may_read_the_refunds_of_any_order(shop: Shop, others: list[Purchase]) -> None:
    clerk = operator(shop)
    answers = [
        shop.client.get(f"/orders/{purchase.order_id}/refunds", token=clerk.token).ok()["items"]
        for purchase in others
    ]
    assert [len(items) for items in answers] == [0, 0, 0, 1, 0, 0, 0]
