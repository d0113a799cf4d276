"""``payresult``: how a payment ended, for its owner and for whoever holds the link."""

from __future__ import annotations

from datetime import timedelta

from tests.integration.api.client import Answer, assert_refused
from tests.integration.api.shop import Shop

FOR_THE_PAYER = {"payNo", "orderName", "totalPrice", "totalPriceFen", "status", "orderStatus"}


def ask(shop: Shop, pay_no: str, sign: str | None = None, token: str | None = None) -> Answer:
    query = {"payNo": pay_no} if sign is None else {"payNo": pay_no, "sign": sign}
    return shop.client.get("/orders/payresult", query, token)


def test_i8_the_links_signature_shows_status_amount_and_title_only(shop: Shop) -> None:
    purchase = shop.paid()

    result = ask(shop, purchase.pay_no, purchase.sign).ok()

    assert result.keys() == FOR_THE_PAYER
    assert result == {
        "payNo": purchase.pay_no,
        "orderName": "Java 编程思想",
        "totalPrice": "9.90",
        "totalPriceFen": 990,
        "status": "601002",
        "orderStatus": "600002",
    }


def test_the_platform_is_asked_when_its_notification_got_lost(shop: Shop) -> None:
    purchase = shop.order()
    shop.pay_at_alipay(purchase)

    with shop.asks_the_platform(times=1):
        result = shop.result(purchase)

    assert (result["orderStatus"], result["status"]) == ("600002", "601002")
    assert result["paySuccessTime"] is not None
    assert len(shop.messages_of(purchase)) == 1


def test_the_platform_is_asked_at_most_once_in_a_while(shop: Shop) -> None:
    purchase = shop.opened()

    with shop.asks_the_platform(times=1):
        first = shop.result(purchase)
        second = shop.result(purchase)

    assert first["status"] == second["status"] == "601001"


def test_nobody_is_asked_about_an_attempt_that_was_never_opened(shop: Shop) -> None:
    purchase = shop.order()

    with shop.unchanged():
        result = shop.result(purchase)

    assert (result["orderStatus"], result["status"]) == ("600001", "601001")


def test_i8_somebody_elses_token_learns_no_more_than_that_there_is_nothing(shop: Shop) -> None:
    purchase = shop.opened()
    stranger = shop.student()

    with shop.unchanged():
        theirs = ask(shop, purchase.pay_no, token=stranger.token)
        nobodys = ask(shop, "1", token=stranger.token)

    assert_refused(theirs, 404, "NOT_FOUND", "支付记录不存在")
    assert theirs.without_request_id() == nobodys.without_request_id()


def test_i8_a_friend_with_the_link_sees_what_the_link_shows_also_when_logged_in(
    shop: Shop,
) -> None:
    purchase = shop.opened()
    friend = shop.student()

    logged_out = ask(shop, purchase.pay_no, purchase.sign)
    logged_in = ask(shop, purchase.pay_no, purchase.sign, token=friend.token)
    bad_link = ask(shop, purchase.pay_no, "k1.1.x", token=friend.token)

    assert "userId" not in logged_in.json()
    assert logged_in.json() == logged_out.json()
    assert_refused(bad_link, 400, "INVALID_LINK")


def test_an_unknown_or_malformed_pay_no_is_not_found(shop: Shop) -> None:
    student = shop.student()

    with shop.unchanged():
        for pay_no in (
            "1",
            "",
            "0",
            "-1",
            "1.5",
            "9" * 19,
            "9" * 5000,
            "../x",
            "支付",
            "\x00",
            "#",
        ):
            answer = ask(shop, pay_no, token=student.token)
            assert_refused(answer, 404, "NOT_FOUND", "支付记录不存在")
        missing = shop.client.get("/orders/payresult", token=student.token)
        assert missing.status in (400, 404)


def test_a_pay_no_that_comes_twice_is_refused(shop: Shop) -> None:
    purchase = shop.order()
    query = f"payNo={purchase.pay_no}&payNo=1"

    with shop.unchanged():
        answer = shop.client.get("/orders/payresult", query, purchase.student.token)

    assert_refused(answer, 400, "INVALID_REQUEST", "payNo")


def test_without_token_and_signature_one_has_to_log_in(shop: Shop) -> None:
    purchase = shop.opened()

    with shop.unchanged():
        answer = ask(shop, purchase.pay_no)

    assert_refused(answer, 401, "UNAUTHENTICATED")
    assert answer.headers["access-control-allow-origin"] == shop.client.h5_origin


def test_a_wrong_or_expired_signature_shows_nothing(shop: Shop) -> None:
    purchase, other = shop.opened(), shop.order()
    expired = shop.sign("pay", purchase.pay_no, timedelta(seconds=-1))

    with shop.unchanged():
        for sign in ("", "x", purchase.sign[:-1], other.sign, expired):
            answer = ask(shop, purchase.pay_no, sign)
            assert_refused(answer, 400, "INVALID_LINK", "支付链接")


def test_the_token_of_the_cashier_page_is_no_signature_for_the_result(shop: Shop) -> None:
    purchase = shop.opened()

    with shop.unchanged():
        answer = ask(shop, purchase.pay_no, shop.sign("open", purchase.pay_no))

    assert_refused(answer, 400, "INVALID_LINK")


def test_an_unknown_pay_no_with_a_signature_of_ours_is_not_found(shop: Shop) -> None:
    with shop.unchanged():
        answer = ask(shop, "1", shop.sign("pay", "1"))

    assert_refused(answer, 404, "NOT_FOUND", "支付记录不存在")
