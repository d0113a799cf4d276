"""Paying with WeChat from other browsers: a phone goes to WeChat, a desktop shows a code."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from chalicelib import wiring
from chalicelib.orders.model import OrderId, PayNo, PayRecord, TradeType
from chalicelib.orders.ports import Change
from infra.local.wechat.faults import Fault
from infra.local.wechat.payers import TEST_PAYER
from tests.integration.api.client import Answer, assert_page_refuses
from tests.integration.api.payers_browser import (
    ALIPAY,
    IN_ALIPAY,
    ON_A_DESKTOP,
    ON_A_PHONE,
    WECHAT,
    PayersBrowser,
    waiting_fields,
)
from tests.integration.api.shop import Purchase, Shop
from tests.unit.orders.documents import Document


@pytest.fixture
def purchase(shop: Shop) -> Purchase:
    return shop.order()


@pytest.fixture
def phone(shop: Shop) -> PayersBrowser:
    return PayersBrowser(shop, ON_A_PHONE)


@pytest.fixture
def desktop(shop: Shop) -> PayersBrowser:
    return PayersBrowser(shop, ON_A_DESKTOP)


def live_of(purchase: Purchase) -> PayRecord:
    order = wiring.order_store().order(OrderId(purchase.order_id))
    assert order is not None
    record = wiring.order_store().pay_record(order.live_pay_no)
    assert record is not None
    return record


def h5_address(answer: Answer) -> str:
    assert answer.status == 200, answer.text
    return Document(answer.text).one("a", id="wechat").attributes["href"]


def test_a_phone_goes_to_wechat_as_a_browser_does_and_comes_back_to_the_cashier(
    shop: Shop, purchase: Purchase, phone: PayersBrowser
) -> None:
    page = phone.choose(purchase)

    # what a browser sends under the policy of the page, from a page of ours
    assert page.headers["referrer-policy"] == "strict-origin"
    with httpx.Client(trust_env=False, headers={"Referer": "https://pay.example/"}) as http:
        middle = http.get(h5_address(page))
    assert middle.status_code == 303, middle.text
    shop.wechat.ledger.pay(purchase.pay_no, TEST_PAYER)
    back = shop.client.follow("GET", httpx.URL(h5_address(page)).params["redirect_url"], ON_A_PHONE)
    assert back.status == 200
    look = Document(back.text).one("a", **{"class": "button plain"}).attributes["href"]
    assert look.startswith("https://h5.example/result.html?from=alipay&payNo=")
    assert shop.result(purchase)["orderStatus"] == "600002"


def test_the_payers_address_is_what_the_gateway_saw(
    shop: Shop, purchase: Purchase, phone: PayersBrowser
) -> None:
    fields = {"payNo": purchase.pay_no, "token": shop.sign("open", purchase.pay_no)}
    forged = {
        "X-Forwarded-For": "6.6.6.6",
        "X-Real-IP": "6.6.6.6",
        "Forwarded": "for=6.6.6.6",
        "Client-IP": "6.6.6.6",
    }

    page = phone.post({**fields, "channel": WECHAT, "client_ip": "6.6.6.6"}, **forged)

    assert h5_address(page)
    record = live_of(purchase)
    assert (record.trade_type, record.client_ip) == (TradeType.WX_H5, "127.0.0.1")
    assert "6.6.6.6" not in str(record.request)


def test_a_desktop_shows_the_code_when_it_is_chosen(
    shop: Shop, purchase: Purchase, desktop: PayersBrowser
) -> None:
    page = desktop.choose(purchase)

    document = Document(page.text)
    assert document.one("img").attributes["alt"] == "微信支付二维码"
    assert document.one("p", **{"class": "amount"}).text == "¥9.90"
    record = live_of(purchase)
    assert (record.trade_type, record.openid, record.client_ip) == (
        TradeType.WX_NATIVE,
        None,
        None,
    )
    shop.wechat.ledger.pay(purchase.pay_no, TEST_PAYER)
    watch = document.one("div", id="watch").attributes
    assert shop.client.follow("GET", watch["data-payresult"]).ok()["orderStatus"] == "600002"


def test_choosing_the_same_again_shows_the_same(
    shop: Shop, purchase: Purchase, desktop: PayersBrowser
) -> None:
    first = desktop.choose(purchase)

    with shop.unchanged():
        second = desktop.choose(purchase)

    assert _code(second) == _code(first)


def test_i3_another_choice_replaces_the_attempt(
    shop: Shop, purchase: Purchase, phone: PayersBrowser, desktop: PayersBrowser
) -> None:
    phone.choose(purchase)

    page = desktop.choose(purchase, ALIPAY)

    assert Document(page.text).one("form", id="alipay")
    first = wiring.order_store().pay_record(PayNo(purchase.pay_no))
    assert first is not None
    assert first.status == "601004"
    assert live_of(purchase).trade_type is TradeType.ALI_WAP
    assert live_of(purchase).pay_no != purchase.pay_no
    result = shop.client.get("/orders/payresult", {"payNo": purchase.pay_no, "sign": purchase.sign})
    assert result.ok()["orderStatus"] == "600001"


@pytest.mark.parametrize("trade_type", ["WX_JSAPI", "WX_H5", "ALI_WAP", "x", "支付"])
def test_i10_another_trade_type_opens_nothing(
    shop: Shop, purchase: Purchase, phone: PayersBrowser, trade_type: str
) -> None:
    fields = {"payNo": purchase.pay_no, "token": shop.sign("open", purchase.pay_no)}

    with shop.unchanged():
        answer = phone.post({**fields, "channel": WECHAT, "tradeType": trade_type})

    assert_page_refuses(answer, 400, "支付方式")


def test_when_wechat_does_not_answer_the_page_waits_and_asks_again(
    shop: Shop, purchase: Purchase, desktop: PayersBrowser
) -> None:
    shop.wechat.faults.add(Fault(on="prepay", do="html", out_trade_no=purchase.pay_no))

    waiting = desktop.choose(purchase)

    fields = waiting_fields(waiting)
    assert "处理中" in waiting.text
    assert int(waiting.headers["retry-after"]) > 0
    assert (fields["channel"], fields["tradeType"], fields["tries"]) == (WECHAT, "WX_NATIVE", "1")
    looked = desktop.look(purchase)
    assert "支付处理中" in looked.text
    assert "<form" not in looked.text
    assert waiting_fields(desktop.post(fields))["tries"] == "2"


@pytest.mark.parametrize("tries", ["5", "9", "-1", "x", "٣", "1" * 5000])
def test_a_count_of_tries_that_is_none_does_no_harm(
    shop: Shop, purchase: Purchase, desktop: PayersBrowser, tries: str
) -> None:
    shop.wechat.faults.add(Fault(on="prepay", do="html", out_trade_no=purchase.pay_no))
    fields = waiting_fields(desktop.choose(purchase))

    again = desktop.post({**fields, "tries": tries})

    assert waiting_fields(again)["tries"] == (str(int(tries) + 1) if tries in "59" else "1")


def test_shortly_before_its_end_nothing_is_opened(shop: Shop, phone: PayersBrowser) -> None:
    purchase = shop.order()
    _end_in(purchase, timedelta(seconds=60))
    fields = {"payNo": purchase.pay_no, "token": shop.sign("open", purchase.pay_no)}

    with shop.unchanged():
        looked = phone.look(purchase)
        opened = phone.post({**fields, "channel": WECHAT})

    assert "剩余时间不足" in looked.text
    assert "<form" not in looked.text
    assert_page_refuses(opened, 409, "")


def test_inside_alipay_the_page_leads_to_alipay(shop: Shop, purchase: Purchase) -> None:
    page = PayersBrowser(shop, IN_ALIPAY).look(purchase)

    (button,) = Document(page.text).all("button", name="channel")
    assert button.attributes["value"] == ALIPAY


def _code(answer: Answer) -> str:
    return Document(answer.text).one("img").attributes["src"]


def _end_in(purchase: Purchase, ahead: timedelta) -> None:
    store = wiring.order_store()
    order = store.order(OrderId(purchase.order_id))
    assert order is not None
    end = wiring.clock().now() + ahead
    store.commit(Change(write_id=purchase.pay_no, orders=(replace(order, expires_at=end),)))
