"""``receivenotify``: what Alipay tells, what it is answered, and what becomes of it."""

from __future__ import annotations

import pytest

from chalicelib.money import Fen
from tests.integration.api.client import assert_notify_failed, assert_notify_taken
from tests.integration.api.shop import Shop

SPELLINGS = [
    (10, "0.10"),
    (10, "0.1"),
    (990, "9.90"),
    (990, "9.9"),
    (2000, "20"),
    (2000, "20.0"),
    (2000, "20.00"),
]
WRONG_AMOUNTS = ["0.01", "9.89", "9.91", "990", "990.00", "99.00"]
OF_NO_INTEREST = ["WAIT_BUYER_PAY", "TRADE_PENDING", "trade_success", "PAID", "成功"]


def test_a_replayed_notification_has_no_second_effect(shop: Shop) -> None:
    purchase = shop.opened()
    fields = shop.notify_fields(purchase)
    assert_notify_taken(shop.send_notify(fields))

    with shop.unchanged():
        for _ in range(3):
            assert_notify_taken(shop.send_notify(fields))

    assert len(shop.messages_of(purchase)) == 1
    (evidence,) = shop.notifies_of(purchase)
    assert (evidence["times"]["N"], evidence["outcome"]["S"]) == ("4", "Settled")


def test_i5_another_notification_of_the_same_payment_has_no_second_effect(shop: Shop) -> None:
    purchase = shop.opened()
    fields = shop.notify_fields(purchase)
    assert_notify_taken(shop.send_notify(fields))

    with shop.unchanged():
        for status in ("TRADE_SUCCESS", "TRADE_FINISHED", "WAIT_BUYER_PAY"):
            again = shop.notify(purchase, trade_no=fields["trade_no"], trade_status=status)
            assert_notify_taken(again)

    assert len(shop.messages_of(purchase)) == 1


def test_a_finished_trade_is_a_payment_as_well(shop: Shop) -> None:
    purchase = shop.opened()

    assert_notify_taken(shop.notify(purchase, trade_status="TRADE_FINISHED"))

    assert shop.result(purchase)["orderStatus"] == "600002"


@pytest.mark.parametrize(("price_fen", "total_amount"), SPELLINGS)
def test_the_same_amount_in_another_spelling_settles(
    shop: Shop, price_fen: int, total_amount: str
) -> None:
    purchase = shop.opened(price_fen=Fen(price_fen))

    assert_notify_taken(shop.notify(purchase, total_amount=total_amount))

    assert shop.result(purchase)["orderStatus"] == "600002"
    assert len(shop.messages_of(purchase)) == 1
    assert shop.refunds_of(purchase) == []


@pytest.mark.parametrize("total_amount", WRONG_AMOUNTS)
def test_i1_another_amount_is_owed_back_and_buys_nothing(shop: Shop, total_amount: str) -> None:
    purchase = shop.opened()

    assert_notify_taken(shop.notify(purchase, total_amount=total_amount))

    result = shop.result(purchase)
    assert (result["orderStatus"], result["status"]) == ("600001", "601002")
    assert shop.messages_of(purchase) == []
    (refund,) = shop.refunds_of(purchase)
    assert (refund["status"]["S"], refund["kind"]["S"]) == ("owed", "automatic")
    assert refund["out_refund_no"]["S"] == f"{purchase.pay_no}_wrong_amount"
    assert int(refund["amount_fen"]["N"]) == round(float(total_amount) * 100)
    assert shop.learn_status(purchase) == "702002"


def test_i1_another_amount_told_twice_is_owed_once(shop: Shop) -> None:
    purchase = shop.opened()
    fields = shop.notify_fields(purchase, total_amount="0.01")
    assert_notify_taken(shop.send_notify(fields))

    with shop.unchanged():
        assert_notify_taken(shop.send_notify(fields))

    assert len(shop.refunds_of(purchase)) == 1


def test_after_a_payment_of_another_amount_the_course_can_still_be_paid(shop: Shop) -> None:
    purchase = shop.opened()
    assert_notify_taken(shop.notify(purchase, total_amount="0.01"))

    again = shop.pay_code(purchase.student, purchase.record_id).ok()

    assert again["orderId"] == purchase.order_id
    assert again["payNo"] != purchase.pay_no
    assert again["status"] == "601001"


@pytest.mark.parametrize("trade_status", OF_NO_INTEREST)
def test_i2_a_status_that_is_no_payment_grants_nothing(shop: Shop, trade_status: str) -> None:
    purchase = shop.opened()

    with shop.unchanged():
        answer = shop.notify(purchase, trade_status=trade_status)

    assert_notify_taken(answer)


def test_a_trade_closed_without_a_payment_frees_the_order_for_a_new_attempt(shop: Shop) -> None:
    purchase = shop.opened()

    answer = shop.notify(purchase, trade_status="TRADE_CLOSED", without=("gmt_payment",))

    assert_notify_taken(answer)
    again = shop.pay_code(purchase.student, purchase.record_id).ok()
    assert (again["orderId"], again["status"]) == (purchase.order_id, "601001")
    assert again["payNo"] != purchase.pay_no


def test_blank_values_belong_to_the_signed_text(shop: Shop) -> None:
    purchase = shop.opened()

    answer = shop.notify(purchase, subject="", body="", fund_bill_list="", refund_fee="", extra="")

    assert_notify_taken(answer)
    assert shop.result(purchase)["orderStatus"] == "600002"


def test_fields_that_nobody_knows_yet_do_no_harm(shop: Shop) -> None:
    purchase = shop.opened()

    assert_notify_taken(shop.notify(purchase, new_field="新字段", userId="1", price="0.01"))

    assert shop.result(purchase)["userId"] == purchase.student.user_id


def test_a_notification_that_comes_before_our_page_was_opened_is_asked_for_again(
    shop: Shop,
) -> None:
    purchase = shop.order()

    with shop.unchanged():
        answer = shop.notify(purchase)

    assert_notify_failed(answer, 500)
