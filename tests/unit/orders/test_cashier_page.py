"""The cashier page: each state of an order in each browser."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.money import Fen
from chalicelib.orders.cashier import Counter
from chalicelib.orders.model import (
    ClosingReason,
    Order,
    OrderId,
    OrderStatus,
    PayChannel,
    PayStatus,
    Phase,
    TradeType,
)
from chalicelib.orders.pages.browser import Browser
from chalicelib.orders.pages.cashier import CashierState, cashier_page, cashier_state
from chalicelib.orders.pages.qr import qr_data_uri
from chalicelib.orders.pages.ways import ways_for
from chalicelib.purchasables import OrderType
from tests.builders import PAY_NO, a_pay_record
from tests.fakes.clock import START
from tests.unit.orders.documents import ACTION, ON, Document, a_view, policy_of

END = START + timedelta(minutes=30)
SOON = START + timedelta(seconds=30)
BOTH = frozenset(PayChannel)
WECHAT, ALIPAY = "603001", "603002"


def a_counter(**changes: Any) -> Counter:
    order = Order(
        order_id=OrderId("140000000000000001"),
        user_id="52",
        out_business_id="1",
        order_type=OrderType.COURSE,
        status=OrderStatus.UNPAID,
        total_fen=Fen(990),
        title="Java 编程思想",
        created_at=START,
        expires_at=END,
        live_pay_no=PAY_NO,
        pay_nos=(PAY_NO,),
    )
    return Counter(replace(order, **changes), a_pay_record())


def shown(browser: Browser, served: frozenset[PayChannel] = BOTH, **changes: Any) -> Document:
    return Document(cashier_page(a_view(browser=browser, served=served, **changes)).html)


def offers(page: Document) -> list[tuple[str, str]]:
    """The channel and the words of each button."""
    return [(b.attributes["value"], b.text) for b in page.all("button", name="channel")]


class TestState:
    @pytest.mark.parametrize(
        ("changes", "state"),
        [
            ({}, CashierState.PAYABLE),
            ({"phase": Phase.OPEN}, CashierState.PAYABLE),
            ({"status": OrderStatus.PAID}, CashierState.PAID),
            ({"status": OrderStatus.COMPLETED}, CashierState.PAID),
            ({"status": OrderStatus.REFUNDED}, CashierState.REFUNDED),
            ({"status": OrderStatus.CLOSED}, CashierState.CLOSED),
            ({"phase": Phase.OPENING, "claim_deadline": SOON}, CashierState.PROCESSING),
            ({"phase": Phase.CLOSING, "claim_deadline": SOON}, CashierState.PROCESSING),
            ({"phase": Phase.OPENING, "claim_deadline": START}, CashierState.PAYABLE),
            (
                {
                    "phase": Phase.CLOSING,
                    "claim_deadline": START,
                    "closing_because": ClosingReason.CANCELLED,
                },
                CashierState.CLOSED,
            ),
            (
                {
                    "phase": Phase.CLOSING,
                    "claim_deadline": START,
                    "closing_because": ClosingReason.SWITCHED,
                },
                CashierState.PAYABLE,
            ),
        ],
        ids=str,
    )
    def test_it_is_what_can_still_be_done(
        self, changes: dict[str, Any], state: CashierState
    ) -> None:
        assert cashier_state(a_counter(**changes), START) is state

    @pytest.mark.parametrize(
        ("now", "state"),
        [
            (END - timedelta(seconds=91), CashierState.PAYABLE),
            (END - timedelta(seconds=90), CashierState.TOO_LATE),
            (END - timedelta(seconds=1), CashierState.TOO_LATE),
            (END, CashierState.CLOSED),
        ],
    )
    def test_near_its_end_nothing_is_opened_any_more(
        self, now: datetime, state: CashierState
    ) -> None:
        assert cashier_state(a_counter(), now) is state

    def test_an_attempt_that_was_closed_leaves_the_order_payable(self) -> None:
        closed = replace(a_counter(), live=a_pay_record(status=PayStatus.CLOSED))

        assert cashier_state(closed, START) is CashierState.PAYABLE


class TestOffers:
    def test_it_says_what_is_bought_and_for_how_much(self) -> None:
        page = shown(Browser.MOBILE)

        assert page.one("h1").text == "Java 编程思想"
        assert page.one("p", **{"class": "amount"}).text == "¥9.90"

    @pytest.mark.parametrize(
        ("browser", "buttons"),
        [
            (Browser.WECHAT, [(WECHAT, "微信支付")]),
            (Browser.ALIPAY, [(ALIPAY, "支付宝支付")]),
            (Browser.MOBILE, [(WECHAT, "微信支付"), (ALIPAY, "支付宝支付")]),
            (Browser.DESKTOP, [(ALIPAY, "支付宝支付"), (WECHAT, "微信扫码支付")]),
        ],
    )
    def test_it_offers_what_works_in_the_browser(
        self, browser: Browser, buttons: list[tuple[str, str]]
    ) -> None:
        assert offers(shown(browser)) == buttons

    @pytest.mark.parametrize("browser", list(Browser))
    def test_each_way_is_a_form_with_the_attempt_and_the_token(self, browser: Browser) -> None:
        page = shown(browser)

        assert len(page.all("form")) == len(offers(page)) > 0
        for form in page.all("form"):
            assert (form.attributes["method"], form.attributes["action"]) == ("post", ACTION)
        for name, value in (("payNo", PAY_NO), ("token", "2026.1772340000.mac")):
            values = [field.attributes["value"] for field in page.all("input", name=name)]
            assert values == [value] * len(page.all("form"))

    def test_only_the_code_of_wechat_is_a_choice_of_its_own(self) -> None:
        assert shown(Browser.DESKTOP).hidden_fields["tradeType"] == "WX_NATIVE"
        for browser in (Browser.WECHAT, Browser.ALIPAY, Browser.MOBILE):
            assert "tradeType" not in shown(browser).hidden_fields

    @pytest.mark.parametrize("browser", [Browser.WECHAT, Browser.ALIPAY, Browser.MOBILE])
    def test_a_phone_gets_no_code(self, browser: Browser) -> None:
        assert shown(browser).all("img") == []

    def test_a_desktop_shows_the_link_as_a_code_and_other_ways_below_it(self) -> None:
        page = shown(Browser.DESKTOP)

        source = page.one("img").attributes["src"]
        assert source == qr_data_uri(a_view().link)
        assert base64.b64decode(source.partition(",")[2], validate=True).startswith(b"\x89PNG")
        assert page.one("img").attributes["alt"] == "支付二维码"
        assert "不方便扫码" in page.one("summary").text

    def test_inside_wechat_it_says_how_to_leave_for_alipay(self) -> None:
        assert "在浏览器中打开" in shown(Browser.WECHAT).visible
        assert "在浏览器中打开" not in shown(Browser.MOBILE).visible
        without = shown(Browser.WECHAT, frozenset({PayChannel.WECHAT}))
        assert "支付宝" not in without.visible

    @pytest.mark.parametrize(
        ("browser", "served", "words"),
        [
            (Browser.WECHAT, PayChannel.ALIPAY, "在浏览器中打开"),
            (Browser.ALIPAY, PayChannel.WECHAT, "请用手机浏览器打开"),
        ],
    )
    def test_an_app_of_the_other_platform_says_how_to_leave(
        self, browser: Browser, served: PayChannel, words: str
    ) -> None:
        page = shown(browser, frozenset({served}))

        assert words in page.visible
        assert page.all("form") == []

    def test_inside_alipay_it_goes_on_by_itself_and_nowhere_else(self) -> None:
        assert ".click()" in shown(Browser.ALIPAY).script
        for browser in (Browser.WECHAT, Browser.MOBILE, Browser.DESKTOP):
            assert ".click()" not in shown(browser).script

    def test_who_may_have_paid_can_look(self) -> None:
        url = "https://h5.example/result.html?payNo=1&sign=r"

        assert shown(Browser.MOBILE).all("a") == []
        assert shown(Browser.MOBILE, result_url=url).one("a").attributes["href"] == url

    def test_who_waits_for_another_to_pay_asks_us_and_goes_on_to_the_result(self) -> None:
        watch = shown(Browser.DESKTOP, on=ON).one("div", id="watch").attributes

        assert watch["data-payresult"] == ON.payresult_url
        assert watch["data-result"] == ON.result_url
        assert watch["data-unpaid"] == "600001"
        paid = cashier_page(a_view(browser=Browser.DESKTOP, on=ON, state=CashierState.PAID))
        assert "connect-src" not in policy_of(paid)

    def test_its_forms_lead_to_us_and_where_we_lead_only(self) -> None:
        alone = policy_of(cashier_page(a_view()))
        with_oauth = policy_of(cashier_page(a_view(leads_to=("https://open.weixin.example",))))

        assert alone["form-action"] == f"'self' {ACTION}"
        assert with_oauth["form-action"] == f"'self' {ACTION} https://open.weixin.example"


class TestTime:
    @pytest.mark.parametrize(
        ("moment", "seconds"), [(0, "1800"), (1799.5, "1"), (1800, "0"), (4000, "0")]
    )
    def test_the_time_left_counts_from_the_server_clock(self, moment: float, seconds: str) -> None:
        page = shown(Browser.MOBILE, now=START + timedelta(seconds=moment))

        line = page.one("p", id="countdown")
        assert line.attributes["data-seconds-left"] == seconds
        assert line.attributes["data-least-seconds"] == "90"
        assert "2026-03-01 12:30:00" in line.text

    @pytest.mark.parametrize("browser", list(Browser))
    def test_all_that_can_be_opened_goes_when_there_is_too_little_time(
        self, browser: Browser
    ) -> None:
        page = shown(browser)

        parts = [e for e in page.elements if "data-while-payable" in e.attributes]
        assert len(parts) >= len(page.all("form"))
        assert {"hidden": ""}.items() <= page.one("p", id="too-late").attributes.items()
        assert {"hidden": ""}.items() <= page.one("p", id="expired").attributes.items()


@pytest.mark.parametrize("browser", list(Browser))
@pytest.mark.parametrize(
    ("state", "words"),
    [
        (CashierState.PAID, "订单已支付"),
        (CashierState.REFUNDED, "订单已退款"),
        (CashierState.CLOSED, "订单已关闭或已过期"),
        (CashierState.PROCESSING, "支付处理中"),
        (CashierState.TOO_LATE, "2026-03-01 12:30:00 后返回商品页面重新获取支付二维码"),
    ],
)
def test_what_cannot_be_paid_offers_no_way_to_pay(
    state: CashierState, words: str, browser: Browser
) -> None:
    page = shown(browser, state=state)

    assert words in page.visible
    assert page.all("form") == page.all("img") == page.all("dialog") == []
    assert PAY_NO not in page.visible


def test_only_a_page_of_something_going_on_looks_again_by_itself() -> None:
    for state in CashierState:
        page = shown(Browser.MOBILE, state=state)

        looks_again = page.all("meta", **{"http-equiv": "refresh", "content": "5"})
        assert bool(looks_again) is (state is CashierState.PROCESSING)
        if state is not CashierState.PAYABLE:
            assert ("location.reload()" in page.script) is bool(looks_again)


def test_a_way_is_offered_by_a_browser_of_its_kind_only() -> None:
    offered = {way for browser in Browser for way in ways_for(browser, BOTH)}

    assert offered == set(TradeType)
    assert all(ways_for(browser, frozenset()) == () for browser in Browser)
