"""The payer's pages: what they say, where they lead, and that nothing foreign gets in."""

from __future__ import annotations

import base64
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from chalicelib.money import Fen
from chalicelib.orders.browser import Browser
from chalicelib.orders.pages import (
    CashierState,
    CashierView,
    Page,
    alipay_form_page,
    cashier_page,
    message_page,
)
from chalicelib.orders.ports import Form
from chalicelib.orders.qr import qr_data_uri
from tests.builders import PAY_NO, a_pay_record, alipay_peer, an_alipay_channel
from tests.fakes.clock import START

HOSTILE = "</title><script>alert(1)</script>\"'><img src=x onerror=alert(1)>&amp;{{ 7*7 }}"


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    text: str = ""


class Document(HTMLParser):
    """The elements of a page, with the text that stands right inside each."""

    _VOID = frozenset({"meta", "input", "img", "link", "br"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.feed(html)
        self.close()
        assert not self._open, f"never closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.elements.append(element)
        if tag not in self._VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        if self._open:
            self._open[-1].text += data

    def all(self, tag: str, **attributes: str) -> list[Element]:
        return [
            element
            for element in self.elements
            if element.tag == tag and attributes.items() <= element.attributes.items()
        ]

    def one(self, tag: str, **attributes: str) -> Element:
        (element,) = self.all(tag, **attributes)
        return element

    @property
    def visible(self) -> str:
        return " ".join(
            element.text for element in self.elements if element.tag not in {"script", "style"}
        )


@dataclass
class Pages:
    """One of each page, with the given words in every place that takes any."""

    words: str
    shown: list[Page] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.shown = [
            *(
                cashier_page(a_view(state=state, browser=browser, title=self.words))
                for state in CashierState
                for browser in Browser
            ),
            alipay_form_page(Form(action="https://a.example/", fields=((self.words, self.words),))),
            message_page(self.words, self.words),
        ]


def a_view(**changes: Any) -> CashierView:
    values: dict[str, Any] = {
        "state": CashierState.PAYABLE,
        "browser": Browser.MOBILE,
        "title": "Java 编程思想",
        "amount_fen": Fen(990),
        "expires_at": START + timedelta(minutes=30),
        "now": START,
        "base_url": "https://pay.example/prod",
        "pay_no": PAY_NO,
        "token": "2026.1772340000.mac",
        "link": "https://pay.example/prod/orders/requestpay?payNo=1&sign=x",
        **changes,
    }
    return CashierView(**values)


def policy_of(page: Page) -> dict[str, str]:
    directives = page.headers["Content-Security-Policy"].split("; ")
    return {name: value for name, _, value in (text.partition(" ") for text in directives)}


class TestCashier:
    def test_it_says_what_is_bought_and_for_how_much(self) -> None:
        page = Document(cashier_page(a_view()).html)

        assert page.one("h1").text == "Java 编程思想"
        assert page.one("p", **{"class": "amount"}).text == "¥9.90"

    def test_its_form_posts_the_attempt_the_token_and_the_channel(self) -> None:
        page = Document(cashier_page(a_view()).html)

        form = page.one("form")
        assert form.attributes["method"] == "post"
        assert form.attributes["action"] == "https://pay.example/prod/orders/requestpay"
        assert page.one("input", name="payNo").attributes["value"] == PAY_NO
        assert page.one("input", name="token").attributes["value"] == "2026.1772340000.mac"
        button = page.one("button", name="channel", value="603002")
        assert button.text == "支付宝支付"

    @pytest.mark.parametrize(
        ("moment", "seconds"), [(0, "1800"), (1799.5, "1"), (1800, "0"), (4000, "0")]
    )
    def test_the_time_left_counts_from_the_server_clock(self, moment: float, seconds: str) -> None:
        view = a_view(now=START + timedelta(seconds=moment))

        line = Document(cashier_page(view).html).one("p", id="countdown")

        assert line.attributes["data-seconds-left"] == seconds
        assert "2026-03-01 12:30:00" in line.text

    def test_a_phone_gets_the_form_and_no_code(self) -> None:
        page = Document(cashier_page(a_view(browser=Browser.MOBILE)).html)

        assert page.all("img") == []
        assert len(page.all("form")) == 1

    def test_inside_wechat_it_says_how_to_leave_and_offers_no_form(self) -> None:
        page = Document(cashier_page(a_view(browser=Browser.WECHAT)).html)

        assert "请点击右上角" in page.visible
        assert "在浏览器中打开" in page.visible
        assert page.all("form") == []

    def test_a_desktop_shows_the_link_as_a_code_and_a_way_to_go_on(self) -> None:
        view = a_view(browser=Browser.DESKTOP)

        page = Document(cashier_page(view).html)

        assert page.one("img").attributes["src"] == qr_data_uri(view.link)
        assert page.one("img").attributes["alt"] == "支付二维码"
        assert len(page.all("form")) == 1

    @pytest.mark.parametrize("browser", list(Browser))
    @pytest.mark.parametrize(
        ("state", "words"),
        [
            (CashierState.PAID, "订单已支付"),
            (CashierState.CLOSED, "订单已关闭或已过期"),
            (CashierState.PROCESSING, "支付处理中"),
        ],
    )
    def test_what_cannot_be_paid_offers_no_way_to_pay(
        self, state: CashierState, words: str, browser: Browser
    ) -> None:
        page = Document(cashier_page(a_view(state=state, browser=browser)).html)

        assert words in page.visible
        assert page.all("form") == page.all("img") == page.all("script") == []
        assert PAY_NO not in page.visible

    def test_its_form_leads_to_us_only(self) -> None:
        policy = policy_of(cashier_page(a_view()))

        assert policy["form-action"] == "'self' https://pay.example/prod/orders/requestpay"


class TestAlipayForm:
    def test_it_submits_exactly_the_fields_that_were_signed(self) -> None:
        channel = an_alipay_channel()
        record = a_pay_record(subject="<b>“引号”</b> \"'&amp; 100%+")
        request = channel.freeze(record, START).request
        form = channel.present(a_pay_record(request=request))

        page = Document(alipay_form_page(form).html)

        assert page.one("form").attributes["action"] == form.action
        assert page.one("form").attributes["method"] == "post"
        assert page.one("form").attributes["accept-charset"] == "utf-8"
        fields = [
            (element.attributes["name"], element.attributes["value"])
            for element in page.all("input", type="hidden")
        ]
        assert urlencode(fields) == request
        assert alipay_peer().merchant_signed(dict(fields))

    def test_it_goes_by_itself_and_by_a_button(self) -> None:
        page = Document(
            alipay_form_page(Form(action="https://a.example/", fields=(("submit", "x"),))).html
        )

        assert page.one("button").attributes["type"] == "submit"
        # a field named "submit" hides the form's own method
        assert "HTMLFormElement.prototype.submit.call" in page.one("script").text

    def test_its_policy_does_not_stop_the_redirects_of_the_platform(self) -> None:
        page = alipay_form_page(Form(action="https://a.example/", fields=()))

        assert "form-action" not in policy_of(page)


def test_a_message_is_shown() -> None:
    page = Document(message_page("链接无效", "请重新获取支付二维码").html)

    assert page.one("h1").text == page.one("title").text == "链接无效"
    assert "请重新获取支付二维码" in page.visible


class TestEveryPage:
    @pytest.mark.parametrize("page", Pages("课程").shown)
    def test_it_is_a_chinese_page_for_a_phone(self, page: Page) -> None:
        document = Document(page.html)

        assert page.html.startswith("<!doctype html>")
        assert document.one("html").attributes["lang"] == "zh-CN"
        assert document.one("meta", charset="utf-8")
        viewport = document.one("meta", name="viewport").attributes["content"]
        assert "width=device-width" in viewport
        assert "viewport-fit=cover" in viewport
        style = document.one("style").text
        assert "safe-area-inset-bottom" in style
        for target in ("button", "summary"):
            (height,) = re.findall(rf"(?m)^  {target} \{{[^}}]*?min-height: (\d+)px", style)
            assert int(height) >= 44

    @pytest.mark.parametrize("page", Pages("课程").shown)
    def test_it_loads_nothing_from_anywhere(self, page: Page) -> None:
        document = Document(page.html)

        for element in document.elements:
            for name in ("src", "href", "srcset", "data"):
                assert element.attributes.get(name, "data:").startswith("data:")
        assert "url(" not in page.html
        assert "@import" not in page.html

    @pytest.mark.parametrize("page", Pages("课程").shown)
    def test_its_policy_lets_only_its_own_style_and_script_work(self, page: Page) -> None:
        document = Document(page.html)
        policy = policy_of(page)

        assert policy["default-src"] == policy["base-uri"] == "'none'"
        assert policy["frame-ancestors"] == "'none'"
        assert "unsafe" not in page.headers["Content-Security-Policy"]
        for tag in ("style", "script"):
            for element in document.all(tag):
                assert policy[f"{tag}-src"] == f"'nonce-{element.attributes['nonce']}'"
        for element in document.elements:
            assert "style" not in element.attributes
            assert not any(name.startswith("on") for name in element.attributes)

    def test_a_nonce_is_used_once(self) -> None:
        nonces = {policy_of(message_page("a", "b"))["script-src"] for _ in range(20)}

        assert len(nonces) == 20

    @pytest.mark.parametrize("page", Pages("课程").shown)
    def test_its_headers_keep_it_out_of_caches_and_its_address_to_itself(self, page: Page) -> None:
        assert page.headers["Content-Type"] == "text/html; charset=utf-8"
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["Referrer-Policy"] in {"same-origin", "strict-origin"}
        assert page.headers["X-Content-Type-Options"] == "nosniff"

    @pytest.mark.parametrize("page", Pages(HOSTILE).shown)
    def test_hostile_words_stay_words(self, page: Page) -> None:
        plain = [len(Document(other.html).elements) for other in Pages("课程").shown]
        document = Document(page.html)

        assert len(document.elements) in plain
        assert "alert(1)" not in "".join(element.text for element in document.all("script"))
        assert "<script>alert" not in page.html
        assert "<img src=x" not in page.html
        assert "49" not in document.visible
        assert any(
            HOSTILE in (element.text, *element.attributes.values()) for element in document.elements
        )

    def test_hostile_addresses_stay_addresses(self) -> None:
        action = 'https://a.example/"><script>alert(1)</script>'
        document = Document(alipay_form_page(Form(action=action, fields=())).html)

        assert document.one("form").attributes["action"] == action
        assert len(document.all("script")) == 1


_IMPORTED = """
import sys
import chalicelib.orders.links, chalicelib.orders.qr, chalicelib.orders.pages
import chalicelib.orders.alipay_form, chalicelib.orders.alipay_trade
print(sorted({"qrcode", "png", "jinja2", "alipay", "PIL", "Cryptodome"} & sys.modules.keys()))
"""


def test_importing_the_edges_loads_no_heavy_library() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _IMPORTED],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        check=True,
    )

    assert done.stdout == "[]\n"


def test_a_page_can_be_drawn_from_any_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert "¥9.90" in cashier_page(a_view()).html


def test_the_code_on_the_page_is_a_png() -> None:
    page = Document(cashier_page(a_view(browser=Browser.DESKTOP)).html)

    _, _, text = page.one("img").attributes["src"].partition(",")
    assert base64.b64decode(text, validate=True).startswith(b"\x89PNG")
