"""Paying inside WeChat: who the payer is comes from WeChat, back in the browser that asked."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from chalicelib import wiring
from chalicelib.orders.model import PayNo, PayRecord, TradeType
from infra.local.wechat.faults import Fault
from infra.local.wechat.payers import OTHER_PAYER, TEST_PAYER
from tests.integration.api.client import assert_page_refuses
from tests.integration.api.payers_browser import (
    OAUTH,
    PayersBrowser,
    bridge_parameters,
    waiting_fields,
)
from tests.integration.api.shop import Purchase, Shop
from tests.unit.orders.documents import Document

EXPIRED = "微信授权已失效"


@pytest.fixture
def purchase(shop: Shop) -> Purchase:
    return shop.order()


@pytest.fixture
def browser(shop: Shop) -> PayersBrowser:
    return PayersBrowser(shop)


def record_of(purchase: Purchase) -> PayRecord:
    record = wiring.order_store().pay_record(PayNo(purchase.pay_no))
    assert record is not None
    return record


def test_the_payer_reaches_wechats_cashier_and_can_pay(
    shop: Shop, purchase: Purchase, browser: PayersBrowser
) -> None:
    page = browser.reach_bridge(purchase)

    with httpx.Client(trust_env=False) as http:
        paid = http.post(
            f"{shop.wechat_url}/_control/jsapi-pay", json={"parameters": bridge_parameters(page)}
        )
    assert paid.json()["err_msg"] == "get_brand_wcpay_request:ok", paid.text
    record = record_of(purchase)
    assert (record.trade_type, record.openid) == (TradeType.WX_JSAPI, TEST_PAYER)
    assert shop.result(purchase)["orderStatus"] == "600002"


def test_the_bridge_page_asks_us_and_knows_where_to_go(
    shop: Shop, purchase: Purchase, browser: PayersBrowser
) -> None:
    page = browser.reach_bridge(purchase)

    watch = Document(page.text).one("div", id="watch").attributes
    asked = shop.client.follow("GET", watch["data-payresult"]).ok()
    assert (asked["payNo"], asked["orderStatus"]) == (purchase.pay_no, "600001")
    assert watch["data-result"].startswith("https://h5.example/result.html?from=alipay&payNo=")
    back = Document(page.text).one("a", href=_link_with(page.text, "requestpay"))
    assert shop.client.follow("GET", back.attributes["href"]).status == 200


def test_a_departure_opens_nothing_and_asks_no_platform(
    shop: Shop, purchase: Purchase, browser: PayersBrowser
) -> None:
    with shop.unchanged():
        sent = browser.choose(purchase)

    assert sent.body == b""
    assert "no-store" in sent.headers["cache-control"]
    cookie = sent.headers["set-cookie"]
    for attribute in ("HttpOnly", "Secure", "SameSite=Lax", "Path=/orders", "Max-Age=600"):
        assert attribute in cookie.split("; ")


def test_the_page_of_the_form_lets_it_go_to_wechats_oauth(
    shop: Shop, purchase: Purchase, browser: PayersBrowser
) -> None:
    policy = browser.look(purchase).headers["content-security-policy"]

    (form_action,) = (part for part in policy.split("; ") if part.startswith("form-action"))
    assert shop.wechat_url in form_action.split()


def test_nothing_that_a_client_sends_decides_where_it_goes(
    shop: Shop, purchase: Purchase, browser: PayersBrowser
) -> None:
    elsewhere = {
        name: "https://evil.example/" for name in ("redirect_uri", "redirect", "next", "return_url")
    }
    fields = {"payNo": purchase.pay_no, "token": shop.sign("open", purchase.pay_no)}

    sent = browser.post(
        {**fields, "channel": "603001", "state": "https://evil.example/", **elsewhere},
        Host="evil.example",
        Origin="https://evil.example",
    )

    target = parse_qs(urlsplit(sent.headers["location"]).query)
    assert target["redirect_uri"] == [f"https://pay.example{OAUTH}"]
    assert "evil" not in sent.headers["location"]
    page = browser.come_back(f"{browser.ask_wechat(sent)}&{urlencode(elsewhere)}")
    assert bridge_parameters(page)
    assert "evil" not in page.text + str(page.headers)


def test_a_state_of_another_browser_opens_nothing(
    shop: Shop, purchase: Purchase, browser: PayersBrowser
) -> None:
    victim = PayersBrowser(shop, openid=OTHER_PAYER)
    query = browser.ask_wechat(browser.choose(purchase))
    victim.choose(shop.order())

    with shop.unchanged():
        answers = [victim.come_back(query), PayersBrowser(shop).come_back(query)]

    for answer in answers:
        assert_page_refuses(answer, 400, EXPIRED)
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("query", ["", "code=x", "state=x", "code=x&state=" + "0" * 32, "a=1"])
def test_a_scanner_changes_nothing(shop: Shop, query: str) -> None:
    with shop.unchanged():
        answer = shop.client.get(OAUTH, query)

    assert_page_refuses(answer, 400, EXPIRED)


@pytest.mark.parametrize(("ahead", "status"), [(-1, 400), (60, 200)])
def test_a_departure_of_long_ago_opens_nothing(
    shop: Shop, purchase: Purchase, browser: PayersBrowser, ahead: int, status: int
) -> None:
    query = browser.ask_wechat(browser.choose(purchase))
    subject = f"{purchase.pay_no}.0.{parse_qs(query)['state'][0]}"
    until = wiring.clock().now() + timedelta(seconds=ahead)
    browser.cookie = f"wechat_oauth={subject}.{wiring.links().sign('oauth', subject, until)}"

    answer = browser.come_back(query)

    assert answer.status == status
    assert (record_of(purchase).opened_at is not None) is (status == 200)


def test_a_payer_who_says_no_can_go_back_to_the_cashier(
    shop: Shop, purchase: Purchase, browser: PayersBrowser
) -> None:
    state = parse_qs(browser.ask_wechat(browser.choose(purchase)))["state"][0]

    with shop.unchanged():
        answer = browser.come_back(urlencode({"state": state}))

    assert answer.status == 200
    assert "没有获得微信授权" in answer.text
    back = _link_with(answer.text, "requestpay")
    assert shop.client.follow("GET", back).status == 200


def test_a_reloaded_page_finds_its_payer_again(purchase: Purchase, browser: PayersBrowser) -> None:
    query = browser.ask_wechat(browser.choose(purchase))
    first = bridge_parameters(browser.come_back(query))

    again = browser.come_back(query)

    second = bridge_parameters(browser.come_back(browser.ask_wechat(again)))
    assert second["package"] == first["package"]


def test_a_code_that_never_works_ends_at_a_page(
    shop: Shop, purchase: Purchase, browser: PayersBrowser
) -> None:
    sent = browser.choose(purchase)

    with shop.unchanged():
        for _ in range(2):
            state = parse_qs(browser.ask_wechat(sent))["state"][0]
            sent = browser.come_back(urlencode({"code": "0" * 32, "state": state}))
        state = parse_qs(browser.ask_wechat(sent))["state"][0]
        end = browser.come_back(urlencode({"code": "0" * 32, "state": state}))

    assert end.status == 200
    assert "没有获得微信授权" in end.text


def test_when_wechat_does_not_say_who_it_is_there_is_a_way_back(
    shop: Shop, purchase: Purchase, browser: PayersBrowser
) -> None:
    query = browser.ask_wechat(browser.choose(purchase))
    shop.wechat.faults.add(Fault(on="access_token", do="html"))

    with shop.unchanged():
        answer = browser.come_back(query)

    assert answer.status == 503
    assert shop.client.follow("GET", _link_with(answer.text, "requestpay")).status == 200


def test_when_wechat_does_not_answer_the_page_asks_again_through_oauth(
    shop: Shop, purchase: Purchase, browser: PayersBrowser
) -> None:
    query = browser.ask_wechat(browser.choose(purchase))
    shop.wechat.faults.add(Fault(on="prepay", do="html", out_trade_no=purchase.pay_no))

    waiting = browser.come_back(query)

    fields = waiting_fields(waiting)
    assert int(waiting.headers["retry-after"]) > 0
    assert fields["channel"] == "603001"
    assert "tradeType" not in fields
    assert TEST_PAYER not in waiting.text
    assert browser.ask_wechat(browser.post(fields))


def test_i8_the_openid_and_the_code_are_in_no_page_no_address_and_no_log(
    shop: Shop, purchase: Purchase, browser: PayersBrowser, caplog: pytest.LogCaptureFixture
) -> None:
    query = browser.ask_wechat(browser.choose(purchase))
    code = parse_qs(query)["code"][0]
    shop.wechat.faults.add(Fault(on="access_token", do="html"))

    answers = [browser.come_back(query), browser.come_back(query)]
    answers.append(browser.come_back(browser.ask_wechat(answers[-1])))

    assert [answer.status for answer in answers] == [503, 303, 200]
    told = [answer.text + str(answer.headers) for answer in answers]
    logged = [str(vars(line)) for line in caplog.records if line.name == "course-payments"]
    assert logged
    for secret in (TEST_PAYER, code):
        assert all(secret not in text for text in (*told, *logged))


def test_another_payer_gets_an_attempt_of_their_own(shop: Shop, purchase: Purchase) -> None:
    PayersBrowser(shop).reach_bridge(purchase)
    friend = PayersBrowser(shop, openid=OTHER_PAYER)

    page = friend.reach_bridge(purchase)

    assert bridge_parameters(page)
    assert record_of(purchase).status == "601004"
    order = wiring.order_store().order(record_of(purchase).order_id)
    assert order is not None
    live = wiring.order_store().pay_record(order.live_pay_no)
    assert live is not None
    assert live.openid == OTHER_PAYER


def test_a_paid_order_does_not_go_to_oauth(shop: Shop, browser: PayersBrowser) -> None:
    purchase = shop.paid()
    fields = {"payNo": purchase.pay_no, "token": shop.sign("open", purchase.pay_no)}

    with shop.unchanged():
        answer = browser.post({**fields, "channel": "603001"})

    assert_page_refuses(answer, 409, "订单已支付")


def _link_with(html: str, word: str) -> str:
    (href,) = {
        link.attributes["href"]
        for link in Document(html).all("a")
        if f"/orders/{word}" in link.attributes["href"]
    }
    return href
