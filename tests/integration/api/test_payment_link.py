"""``requestpay``: the link in the QR code, and the token of the cashier page behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib import wiring
from chalicelib.selling.codes import PublishStatus
from tests.integration.api.client import Answer, assert_page_refuses
from tests.integration.api.shop import Purchase, Shop

PATH = "/orders/requestpay"
INVALID = "支付链接无效或已过期"
PREFETCHERS = [
    "WhatsApp/2.23.20.0",
    "facebookexternalhit/1.1",
    "Mozilla/5.0 (compatible; Baiduspider/2.0)",
    "Mozilla/5.0 (iPhone) MicroMessenger/8.0.50",
    "",
]


@pytest.fixture(scope="module")
def purchase(shop: Shop) -> Purchase:
    """Nobody has opened it."""
    return shop.order()


@pytest.fixture(scope="module")
def other(shop: Shop) -> Purchase:
    return shop.order()


def show(shop: Shop, query: Mapping[str, str], method: str = "GET") -> Answer:
    return shop.client.send(method, PATH, query=query)


def choose_alipay(shop: Shop, pay_no: str, token: str, **more: str) -> Answer:
    fields = {"payNo": pay_no, "token": token, "channel": "603002", **more}
    return shop.client.post_form(PATH, fields)


@pytest.mark.parametrize("user_agent", PREFETCHERS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_prefetcher_changes_nothing_and_calls_nobody(
    shop: Shop, purchase: Purchase, method: str, user_agent: str
) -> None:

    with shop.unchanged():
        answer = shop.client.follow(method, purchase.pay_code["payUrl"], user_agent)

    assert (answer.status, answer.media_type) == (200, "text/html")
    assert "no-store" in answer.headers["cache-control"]


def test_looking_at_an_order_that_was_opened_changes_nothing_either(shop: Shop) -> None:
    purchase = shop.opened()

    with shop.unchanged():
        for method in ("GET", "HEAD"):
            answer = shop.client.follow(method, purchase.pay_code["payUrl"])
            assert answer.status == 200


def test_i8_the_cashier_page_says_nothing_about_the_owner(shop: Shop, purchase: Purchase) -> None:

    page = shop.client.follow("GET", purchase.pay_code["payUrl"]).text

    assert "Java 编程思想" in page
    assert "9.90" in page
    for private in (purchase.student.user_id, purchase.order_id, purchase.record_id):
        assert private not in page


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_i10_a_link_without_or_with_a_wrong_or_expired_signature_opens_nothing(
    shop: Shop, purchase: Purchase, other: Purchase, method: str
) -> None:
    key_id, expiry, mac = purchase.sign.split(".")
    later = str(int(expiry) + 1)
    signs = {
        "",
        "x",
        other.sign,
        f"{key_id}.{later}.{mac}",
        f"k2.{expiry}.{mac}",
        f"{key_id}.{expiry}.{mac[:-1]}",
        f"{key_id}.{expiry}.{'A' * 43}",
        purchase.sign + "\n",
        shop.sign("pay", purchase.pay_no, timedelta(seconds=-1)),
    }

    with shop.unchanged():
        unsigned = show(shop, {"payNo": purchase.pay_no}, method)
        answers = [show(shop, {"payNo": purchase.pay_no, "sign": s}, method) for s in signs]

    for answer in (unsigned, *answers):
        assert_page_refuses(answer, 400, INVALID)


@pytest.mark.parametrize("pay_no", ["", "0", "-1", "支付", "9" * 5000, "\x00", "' OR 1=1"])
def test_i10_a_malformed_pay_no_opens_nothing(shop: Shop, purchase: Purchase, pay_no: str) -> None:

    with shop.unchanged():
        shown = show(shop, {"payNo": pay_no, "sign": purchase.sign})
        opened = choose_alipay(shop, pay_no, shop.sign("open", purchase.pay_no))

    assert_page_refuses(shown, 400, INVALID)
    assert_page_refuses(opened, 400, INVALID)


@pytest.mark.parametrize("pay_no", ["1", "9" * 19, "9" * 5000, "x"])
def test_i10_an_unknown_pay_no_opens_nothing_even_with_a_signature_of_ours(
    shop: Shop, pay_no: str
) -> None:
    with shop.unchanged():
        shown = show(shop, {"payNo": pay_no, "sign": shop.sign("pay", pay_no)})
        opened = choose_alipay(shop, pay_no, shop.sign("open", pay_no))

    assert_page_refuses(shown, 404, "支付记录不存在")
    assert_page_refuses(opened, 404, "支付记录不存在")


def test_a_parameter_that_comes_twice_opens_nothing(
    shop: Shop, purchase: Purchase, other: Purchase
) -> None:
    query = f"payNo={purchase.pay_no}&payNo={other.pay_no}&sign={purchase.sign}"
    token = shop.sign("open", purchase.pay_no)
    form = f"payNo={purchase.pay_no}&token={token}&channel=603002&payNo={other.pay_no}"

    with shop.unchanged():
        shown = shop.client.get(PATH, query)
        opened = shop.client.post_form(PATH, form.encode())

    assert_page_refuses(shown, 400, "重复")
    assert_page_refuses(opened, 400, "请求参数有误")


def test_the_signature_of_a_link_is_no_token_and_a_token_no_signature(
    shop: Shop, purchase: Purchase
) -> None:
    token = shop.sign("open", purchase.pay_no)

    with shop.unchanged():
        shown = show(shop, {"payNo": purchase.pay_no, "sign": token})
        opened = choose_alipay(shop, purchase.pay_no, purchase.sign)

    assert_page_refuses(shown, 400, INVALID)
    assert_page_refuses(opened, 400, INVALID)


def test_i10_a_wrong_expired_or_missing_token_opens_nothing(
    shop: Shop, purchase: Purchase, other: Purchase
) -> None:
    expired = shop.sign("open", purchase.pay_no, timedelta(seconds=-1))

    with shop.unchanged():
        for token in ("", "x", shop.sign("open", other.pay_no), expired):
            assert_page_refuses(choose_alipay(shop, purchase.pay_no, token), 400, INVALID)
        without = shop.client.post_form(PATH, {"payNo": purchase.pay_no})
        in_query = shop.client.send(
            "POST",
            PATH,
            query={"payNo": purchase.pay_no, "token": shop.sign("open", purchase.pay_no)},
            content_type="application/x-www-form-urlencoded",
            body=b"channel=603002",
        )

    assert_page_refuses(without, 400, INVALID)
    assert_page_refuses(in_query, 400, INVALID)


@pytest.mark.parametrize("channel", ["603003", "alipay", "", "603002 ", "支付宝"])
def test_i10_a_channel_that_is_not_served_opens_nothing(
    shop: Shop, purchase: Purchase, channel: str
) -> None:
    token = shop.sign("open", purchase.pay_no)

    with shop.unchanged():
        answer = choose_alipay(shop, purchase.pay_no, token, channel=channel)

    assert_page_refuses(answer, 400, "支付方式")


def test_i8_a_price_in_the_form_is_ignored(shop: Shop) -> None:
    purchase = shop.opened()
    token = shop.sign("open", purchase.pay_no)

    with shop.unchanged():
        plain = choose_alipay(shop, purchase.pay_no, token)
        claimed = choose_alipay(
            shop, purchase.pay_no, token, totalPrice="0.01", total_amount="0.01", userId="1"
        )

    assert _without_nonces(claimed) == _without_nonces(plain)
    assert "9.90" in plain.text


def test_a_paid_order_cannot_be_opened(shop: Shop) -> None:
    purchase = shop.paid()

    with shop.unchanged():
        answer = _open(shop, purchase)
        shown = shop.client.follow("GET", purchase.pay_code["payUrl"])

    assert_page_refuses(answer, 409, "订单已支付")
    assert shown.status == 200
    assert 'name="token"' not in shown.text


def test_an_order_that_has_expired_cannot_be_opened(shop: Shop) -> None:
    purchase = shop.order()
    shop.let_expire(purchase)

    with shop.unchanged():
        shown = shop.client.follow("GET", purchase.pay_code["payUrl"])
        opened = _open(shop, purchase)

    assert shown.status == 200
    assert 'name="token"' not in shown.text
    assert_page_refuses(opened, 409, "已过期")


def test_an_order_that_was_open_when_it_expired_cannot_be_opened_again(shop: Shop) -> None:
    purchase = shop.opened()
    shop.let_expire(purchase)

    with shop.unchanged():
        opened = _open(shop, purchase)

    assert_page_refuses(opened, 409, "已过期")


def test_a_course_that_went_offline_cannot_be_opened(shop: Shop) -> None:
    purchase = shop.order()
    store = wiring.learning_store()
    course = store.course(purchase.goods_id)
    assert course is not None
    store.put_course(replace(course, publish_status=PublishStatus.OFFLINE))

    with shop.unchanged():
        answer = _open(shop, purchase)

    assert_page_refuses(answer, 409, "暂不可购买")


def _open(shop: Shop, purchase: Purchase) -> Answer:
    return choose_alipay(shop, purchase.pay_no, shop.sign("open", purchase.pay_no))


def _without_nonces(answer: Answer) -> str:
    nonce = answer.headers["content-security-policy"].partition("'nonce-")[2].partition("'")[0]
    return answer.text.replace(nonce, "")
