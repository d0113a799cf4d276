"""``alipayreturn``: where the payer's browser goes after paying; it decides nothing."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import pytest

from tests.integration.api.client import Answer, assert_page_refuses
from tests.integration.api.shop import Purchase, Shop

PATH = "/orders/alipayreturn"
RESULT_PAGE = "https://h5.example/result.html?from=alipay"
ELSEWHERE = {
    "redirect": "https://evil.example/",
    "return_url": "https://evil.example/",
    "redirect_uri": "//evil.example",
    "next": "https://evil.example/",
    "H5_RESULT_URL": "https://evil.example/",
}


@pytest.fixture(scope="module")
def purchase(shop: Shop) -> Purchase:
    return shop.opened()


def come_back(shop: Shop, query: dict[str, str]) -> Answer:
    return shop.client.get(PATH, query)


def led_to_the_result_page(answer: Answer) -> dict[str, str]:
    """What was added to the configured address: the number, and a signature to read it with."""
    added = answer.headers["location"].removeprefix(f"{RESULT_PAGE}&")
    assert added != answer.headers["location"]
    parameters = dict(parse_qsl(added, strict_parsing=True))
    assert set(parameters) == {"payNo", "sign"}
    return parameters


@pytest.mark.parametrize("with_sign_type", [False, True])
def test_a_signed_return_leads_to_the_result_page_and_changes_nothing(
    shop: Shop, purchase: Purchase, with_sign_type: bool
) -> None:
    query = shop.alipay.return_query(with_sign_type=with_sign_type, out_trade_no=purchase.pay_no)

    with shop.unchanged():
        answer = come_back(shop, query)

    assert (answer.status, answer.body) == (302, b"")
    assert shop.result(purchase)["orderStatus"] == "600001"
    result = shop.client.get("/orders/payresult", led_to_the_result_page(answer))
    assert result.json()["payNo"] == purchase.pay_no, "a friend who paid can read how it ended"


def test_a_signed_return_leads_nowhere_else_whatever_it_says(
    shop: Shop, purchase: Purchase
) -> None:
    query = shop.alipay.return_query(out_trade_no=purchase.pay_no, **ELSEWHERE)

    with shop.unchanged():
        answer = come_back(shop, query)

    assert answer.status == 302
    assert led_to_the_result_page(answer)["payNo"] == purchase.pay_no


@pytest.mark.parametrize(
    "out_trade_no", ["", "1&x=https://evil.example/", "1\r\nSet-Cookie: a=b", "1#", "9" * 20]
)
def test_a_signed_return_without_a_pay_number_shows_a_page(shop: Shop, out_trade_no: str) -> None:
    query = shop.alipay.return_query(out_trade_no=out_trade_no)

    with shop.unchanged():
        answer = come_back(shop, query)

    assert_page_refuses(answer, 400, "验证失败")
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "spoil",
    [
        {"sign": ""},
        {"sign": "AAAA"},
        {"total_amount": "0.01"},
        {"out_trade_no": "1"},
        {"redirect": "https://evil.example/"},
        {"sign_type": "RSA"},
        {"charset": "GBK"},
    ],
    ids=lambda spoil: next(iter(spoil.items())),
)
def test_i10_a_return_that_is_not_signed_as_it_stands_shows_a_page(
    shop: Shop, purchase: Purchase, spoil: dict[str, str]
) -> None:
    query = {**shop.alipay.return_query(out_trade_no=purchase.pay_no), **spoil}

    with shop.unchanged():
        answer = come_back(shop, query)

    assert_page_refuses(answer, 400, "验证失败")


@pytest.mark.parametrize(
    "other", [{"app_id": "2021999999999999"}, {"seller_id": "2088999999999999"}]
)
def test_a_return_for_another_merchant_shows_a_page(
    shop: Shop, purchase: Purchase, other: dict[str, Any]
) -> None:
    query = shop.alipay.return_query(out_trade_no=purchase.pay_no, **other)

    with shop.unchanged():
        answer = come_back(shop, query)

    assert_page_refuses(answer, 400, "验证失败")


def test_a_return_without_anything_shows_a_page(shop: Shop) -> None:
    with shop.unchanged():
        answer = come_back(shop, {})

    assert_page_refuses(answer, 400, "验证失败")


def test_a_parameter_that_comes_twice_shows_a_page(shop: Shop, purchase: Purchase) -> None:
    fields = shop.alipay.return_query(out_trade_no=purchase.pay_no)
    query = "&".join(f"{name}={value}" for name, value in fields.items() if name != "sign")

    with shop.unchanged():
        answer = shop.client.get(PATH, f"{query}&sign=x&sign=y")

    assert_page_refuses(answer, 400, "重复")
