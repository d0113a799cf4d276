"""A purchase over HTTP, from the choice to the open course."""

from __future__ import annotations

import pytest

from tests.integration.api.client import assert_notify_taken, assert_refused
from tests.integration.api.shop import Shop


def test_a_free_course_may_be_learnt_at_once(shop: Shop) -> None:
    student, course_id = shop.student(), shop.free_course()

    chosen = shop.choose(student, course_id).ok()

    assert (chosen["orderType"], chosen["status"]) == ("700001", "701001")
    assert (chosen["coursePrice"], chosen["coursePriceFen"]) == ("0.00", 0)
    assert (chosen["learnStatus"], chosen["validDays"]) == ("702001", 365)
    table = shop.client.get("/learning/mycoursetable", token=student.token).ok()
    assert [row["courseId"] for row in table["items"]] == [course_id]


def test_a_paid_course_is_open_once_alipay_has_told_of_the_payment(shop: Shop) -> None:
    purchase = shop.order()
    assert purchase.pay_code["qrcode"].startswith("data:image/png;base64,")
    assert (purchase.pay_code["totalPrice"], purchase.pay_code["totalPriceFen"]) == ("9.90", 990)
    assert shop.learn_status(purchase) == "702002"

    shop.open(purchase)
    assert_notify_taken(shop.notify(purchase, trade_no="2026112322001400000000000001"))

    result = shop.result(purchase)
    assert (result["orderStatus"], result["status"]) == ("600002", "601002")
    assert result["paidByPayNo"] == purchase.pay_no
    assert result["outPayChannel"] == "603002"
    assert result["outPayNo"] == "2026112322001400000000000001"
    shop.grant(purchase)
    assert shop.learn_status(purchase) == "702001"


def test_asking_for_the_payment_code_again_gives_the_live_attempt(shop: Shop) -> None:
    purchase = shop.opened()

    with shop.unchanged():
        again = shop.pay_code(purchase.student, purchase.record_id).ok()

    assert again["payNo"] == purchase.pay_no
    assert {**again, "now": ""} == {**purchase.pay_code, "now": "", **_opened_since(again)}


def test_opening_twice_presents_the_same_signed_request(shop: Shop) -> None:
    purchase = shop.order()
    first = shop.open(purchase)

    with shop.unchanged():
        second = shop.open(purchase)

    assert (second.action, second.fields) == (first.action, first.fields)


def test_an_order_that_nobody_opened_is_replaced_when_it_has_expired(shop: Shop) -> None:
    purchase = shop.order()
    shop.let_expire(purchase)

    with shop.asks_the_platform(times=0):
        again = shop.pay_code(purchase.student, purchase.record_id).ok()

    assert again["orderId"] != purchase.order_id
    assert shop.result(purchase)["orderStatus"] == "600003"


def test_the_platform_is_asked_before_an_open_order_that_has_expired_is_replaced(
    shop: Shop,
) -> None:
    purchase = shop.opened()
    shop.let_expire(purchase)

    with shop.asks_the_platform(times=1):
        again = shop.pay_code(purchase.student, purchase.record_id).ok()

    assert again["orderId"] != purchase.order_id


def test_an_expired_order_that_turns_out_to_be_paid_is_not_replaced(shop: Shop) -> None:
    purchase = shop.order()
    shop.pay_at_alipay(purchase)
    shop.let_expire(purchase)

    answer = shop.pay_code(purchase.student, purchase.record_id)

    assert_refused(answer, 409, "GOODS_BEING_OPENED", "订单已支付，正在开通")
    assert len(shop.messages_of(purchase)) == 1


def test_what_these_tests_call_unchanged_is_seen_to_change(shop: Shop) -> None:
    purchase = shop.order()

    with pytest.raises(AssertionError), shop.unchanged():
        shop.open(purchase)
    with pytest.raises(AssertionError), shop.unchanged():
        shop.result(purchase)


def _opened_since(answer: dict[str, object]) -> dict[str, object]:
    assert answer["outPayChannel"] == "603002"
    return {"outPayChannel": "603002"}
