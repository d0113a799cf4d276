"""``generatepaycode``: whom and what it refuses, and what it does not believe."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.money import Fen
from chalicelib.selling.codes import PublishStatus
from tests.integration.api.client import FORM, JSON, Answer, assert_refused
from tests.integration.api.shop import Purchase, Shop

PATH = "/orders/generatepaycode"
NOT_FOR_SALE_ANY_MORE: dict[str, dict[str, Any]] = {
    "unpublished": {"publish_status": PublishStatus.UNPUBLISHED},
    "offline": {"publish_status": PublishStatus.OFFLINE},
    "without a price": {"price_fen": None},
    "for nothing": {"price_fen": Fen(0)},
    "for less than nothing": {"price_fen": Fen(-990)},
    "without validDays": {"valid_days": None},
}
OF_ONE_STUDENT = frozenset(
    {"id", "payNo", "orderId", "userId", "qrcode", "payUrl", "createDate", "expiresAt", "now"}
)


@pytest.fixture(scope="module")
def purchase(shop: Shop) -> Purchase:
    return shop.order()


def change_course(course_id: str, **changes: Any) -> None:
    store = wiring.learning_store()
    course = store.course(course_id)
    assert course is not None
    store.put_course(replace(course, **changes))


def again(shop: Shop, purchase: Purchase) -> Answer:
    return shop.pay_code(purchase.student, purchase.record_id)


def test_i8_somebody_elses_record_is_as_good_as_none(shop: Shop, purchase: Purchase) -> None:
    stranger = shop.student()

    with shop.unchanged():
        theirs = shop.pay_code(stranger, purchase.record_id)
        nobodys = shop.pay_code(stranger, "1")

    assert_refused(theirs, 404, "NOT_FOUND", "购买记录不存在")
    assert theirs.without_request_id() == nobodys.without_request_id()


@pytest.mark.parametrize("choose_course_id", ["", " ", "0", "#", "选课", "9" * 5000, "\x00"])
def test_i10_an_unknown_or_malformed_record_is_not_found(shop: Shop, choose_course_id: str) -> None:
    student = shop.student()

    with shop.unchanged():
        answer = shop.pay_code(student, choose_course_id)

    assert_refused(answer, 404, "NOT_FOUND", "购买记录不存在")


def test_a_free_course_needs_no_payment_code(shop: Shop) -> None:
    student = shop.student()
    chosen = shop.choose(student, shop.free_course()).ok()

    with shop.unchanged():
        answer = shop.pay_code(student, chosen["id"])

    assert_refused(answer, 409, "ORDER_ALREADY_PAID")


@pytest.mark.parametrize("changes", NOT_FOR_SALE_ANY_MORE.values(), ids=NOT_FOR_SALE_ANY_MORE)
def test_i10_a_course_that_is_no_longer_for_sale_gets_no_payment_code(
    shop: Shop, changes: dict[str, Any]
) -> None:
    student, course_id = shop.student(), shop.course()
    chosen = shop.choose(student, course_id).ok()
    change_course(course_id, **changes)

    with shop.unchanged():
        answer = shop.pay_code(student, chosen["id"])

    assert_refused(answer, 409, "NOT_FOR_SALE", "暂不可购买")


def test_an_order_that_is_paid_but_not_granted_is_being_opened(shop: Shop) -> None:
    purchase = shop.paid()

    with shop.unchanged():
        answer = again(shop, purchase)

    assert_refused(answer, 409, "GOODS_BEING_OPENED", "订单已支付，正在开通")


def test_an_order_that_is_paid_and_granted_is_not_offered_again(shop: Shop) -> None:
    purchase = shop.granted()

    with shop.unchanged():
        answer = again(shop, purchase)

    assert_refused(answer, 409, "ORDER_ALREADY_PAID", "订单已支付，请勿重复支付")


def test_i8_a_price_a_user_and_a_status_of_the_client_are_ignored(shop: Shop) -> None:
    honest, cunning, course_id = shop.student(), shop.student(), shop.course()
    plain = shop.pay_code(honest, shop.choose(honest, course_id).ok()["id"]).ok()
    claimed = {
        "totalPrice": 0.01,
        "totalPriceFen": 1,
        "price": "0.01",
        "orderName": "别的课程",
        "userId": honest.user_id,
        "status": "601002",
        "orderDetail": '[{"goodsPrice":0.01}]',
    }
    chosen = shop.choose(cunning, course_id).ok()["id"]

    answer = shop.pay_code(cunning, chosen, **claimed).ok()

    assert answer["userId"] == cunning.user_id
    assert answer["totalPrice"] == "9.90"
    assert _same_for_everybody(answer) == _same_for_everybody(plain)
    with shop.unchanged():
        repeated = shop.client.send(
            "POST",
            PATH,
            query={name: str(value) for name, value in claimed.items()},
            token=cunning.token,
            content_type=JSON,
            body=f'{{"outBusinessId":"{chosen}","orderType":"60201"}}'.encode(),
        ).ok()
    assert {**repeated, "now": ""} == {**answer, "now": ""}


def test_a_new_price_before_anybody_opened_the_order_makes_a_new_order(shop: Shop) -> None:
    purchase = shop.order()
    change_course(purchase.goods_id, price_fen=Fen(1290))

    answer = again(shop, purchase).ok()

    assert answer["orderId"] != purchase.order_id
    assert (answer["totalPrice"], answer["totalPriceFen"]) == ("12.90", 1290)
    assert (answer["previousPrice"], answer["previousPriceFen"]) == ("9.90", 990)


@pytest.mark.parametrize("order_type", ["99999", "", "60201 ", "课程", "6" * 60_000])
def test_i10_an_unknown_order_type_is_refused(
    shop: Shop, purchase: Purchase, order_type: str
) -> None:

    with shop.unchanged():
        answer = shop.pay_code(purchase.student, purchase.record_id, orderType=order_type)

    assert_refused(answer, 400, "INVALID_REQUEST", "不支持的订单类型")
    assert len(answer.body) < 1000


def test_i10_a_record_of_another_order_type_is_not_found(shop: Shop, purchase: Purchase) -> None:

    with shop.unchanged():
        answer = shop.pay_code(purchase.student, purchase.record_id, orderType="60202")

    assert_refused(answer, 404, "NOT_FOUND", "购买记录不存在")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "JSON"),
        (b"outBusinessId=1&orderType=60201", "JSON"),
        (b'{"outBusinessId":', "JSON"),
        (b"[]", "JSON"),
        (b"null", "JSON"),
        (b'"60201"', "JSON"),
        (b"[" * 50_000, "JSON"),
        (b"{}", "outBusinessId"),
        (b'{"outBusinessId":"1"}', "orderType"),
        (b'{"outBusinessId":null,"orderType":"60201"}', "outBusinessId"),
        (b'{"outBusinessId":["1"],"orderType":"60201"}', "outBusinessId"),
        (b'{"outBusinessId":"1","orderType":60201}', "orderType"),
    ],
    ids=lambda value: value[:44].decode() if isinstance(value, bytes) else None,
)
def test_i10_a_body_that_is_not_the_json_we_need_is_refused(
    shop: Shop, body: bytes, says: str
) -> None:
    student = shop.student()

    with shop.unchanged():
        answer = shop.client.send("POST", PATH, token=student.token, content_type=JSON, body=body)

    assert_refused(answer, 400, "INVALID_REQUEST", says)
    assert answer.headers["access-control-allow-origin"] == shop.client.h5_origin


@pytest.mark.parametrize("text", [rb"\ud800", rb"\u0000", rb"\ud83d\ude00"])
def test_i10_escapes_of_strange_characters_are_no_id(shop: Shop, text: bytes) -> None:
    student = shop.student()

    with shop.unchanged():
        for body in (
            b'{"outBusinessId":"%s","orderType":"60201"}' % text,
            b'{"outBusinessId":"1","orderType":"%s"}' % text,
        ):
            answer = shop.client.send(
                "POST", PATH, token=student.token, content_type=JSON, body=body
            )
            assert answer.status in (400, 404)
            assert_refused(answer, answer.status, answer.json()["errCode"])


@pytest.mark.parametrize("content_type", [FORM, "text/plain", "application/xml"])
def test_i10_a_body_of_another_content_type_is_refused(
    shop: Shop, purchase: Purchase, content_type: str
) -> None:
    body = f'{{"outBusinessId":"{purchase.record_id}","orderType":"60201"}}'.encode()

    with shop.unchanged():
        answer = shop.client.send(
            "POST", PATH, token=purchase.student.token, content_type=content_type, body=body
        )

    assert_refused(answer, 415, "UNSUPPORTED_MEDIA_TYPE")
    assert answer.headers["access-control-allow-origin"] == shop.client.h5_origin


def _same_for_everybody(pay_code: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in pay_code.items() if name not in OF_ONE_STUDENT}
