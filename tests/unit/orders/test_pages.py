"""What holds for every page of a payer: nothing foreign gets in, and nothing leaks out."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from chalicelib.orders.model import TradeType
from chalicelib.orders.pages.layout import MOST_TRIES, Page, message_page, waiting_page
from tests.builders import PAY_NO
from tests.unit.orders.documents import (
    ACTION,
    CASHIER,
    Document,
    an_again,
    every_page,
    policy_of,
)

HOSTILE = "</title><script>alert(1)</script>\"'><img src=x onerror=alert(1)>&amp;{{ 7*7 }}"
PAGES = every_page("课程")


class TestEveryPage:
    @pytest.mark.parametrize("page", PAGES)
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
        for target in ("button, .button", ".way", "summary"):
            (height,) = re.findall(
                rf"(?m)^  {re.escape(target)} \{{[^}}]*?min-height: (\d+)px", style
            )
            assert int(height) >= 44

    @pytest.mark.parametrize("page", PAGES)
    def test_it_loads_nothing_from_anywhere(self, page: Page) -> None:
        document = Document(page.html)

        for element in document.elements:
            for name in ("src", "srcset", "data"):
                assert element.attributes.get(name, "data:").startswith("data:")
            assert element.tag in {"a"} or "href" not in element.attributes
        assert "url(" not in page.html
        assert "@import" not in page.html

    @pytest.mark.parametrize("page", PAGES)
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

    @pytest.mark.parametrize("page", PAGES)
    def test_only_a_page_that_asks_how_it_ended_may_connect_and_only_to_us(
        self, page: Page
    ) -> None:
        asks = "fetch(" in Document(page.html).script

        assert policy_of(page).get("connect-src") == ("'self'" if asks else None)

    def test_a_nonce_is_used_once(self) -> None:
        nonces = {policy_of(message_page("a", "b"))["script-src"] for _ in range(20)}

        assert len(nonces) == 20

    @pytest.mark.parametrize("page", PAGES)
    def test_its_headers_keep_it_out_of_caches_and_its_address_to_itself(self, page: Page) -> None:
        assert page.headers["Content-Type"] == "text/html; charset=utf-8"
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["Referrer-Policy"] in {"same-origin", "strict-origin", "no-referrer"}
        assert page.headers["X-Content-Type-Options"] == "nosniff"

    @pytest.mark.parametrize(
        ("page", "plain"), list(zip(every_page(HOSTILE), PAGES, strict=True)), ids=lambda _: ""
    )
    def test_hostile_words_stay_words(self, page: Page, plain: Page) -> None:
        document = Document(page.html)

        assert len(document.elements) == len(Document(plain.html).elements)
        assert document.script == Document(plain.html).script
        assert "<script>alert" not in page.html
        assert "<img src=x" not in page.html
        assert "49" not in document.visible

    @pytest.mark.parametrize("page", every_page(HOSTILE), ids=lambda _: "")
    def test_hostile_words_are_shown_as_they_are(self, page: Page) -> None:
        document = Document(page.html)

        texts = [
            text
            for element in document.elements
            for text in (element.text, *element.attributes.values())
        ]
        as_json = HOSTILE.replace('"', '\\"')
        assert any(HOSTILE in text or as_json in text for text in texts)


class TestMessage:
    def test_it_is_shown(self) -> None:
        page = Document(message_page("链接无效", "请重新获取支付二维码").html)

        assert page.one("h1").text == page.one("title").text == "链接无效"
        assert "请重新获取支付二维码" in page.visible
        assert page.all("a") == page.all("form") == []

    def test_it_leads_back_to_the_cashier_where_there_is_one(self) -> None:
        page = Document(message_page("支付提示", "请重试", cashier_url=CASHIER).html)

        assert page.one("a").attributes["href"] == CASHIER


class TestWaiting:
    def test_its_form_asks_for_the_same_once_more(self) -> None:
        page = Document(waiting_page("处理中，请稍候", 7, an_again(), cashier_url=CASHIER).html)

        form = page.one("form")
        assert form.attributes["method"] == "post"
        assert form.attributes["action"] == ACTION
        assert form.attributes["data-seconds"] == "7"
        assert page.hidden_fields == {
            "payNo": PAY_NO,
            "token": "2026.1772340000.mac",
            "channel": "603002",
            "tries": "1",
        }
        assert page.one("button").attributes["type"] == "submit"
        assert page.one("a").attributes["href"] == CASHIER
        assert "处理中，请稍候" in page.visible

    def test_a_choice_of_the_payer_is_asked_for_again(self) -> None:
        again = an_again(way=TradeType.WX_NATIVE)

        fields = Document(waiting_page("处理中", 3, again, cashier_url=CASHIER).html).hidden_fields

        assert (fields["channel"], fields["tradeType"]) == ("603001", "WX_NATIVE")

    def test_what_the_browser_decides_is_decided_again(self) -> None:
        again = an_again(way=TradeType.WX_JSAPI)

        fields = Document(waiting_page("处理中", 3, again, cashier_url=CASHIER).html).hidden_fields

        assert fields["channel"] == "603001"
        assert "tradeType" not in fields

    @pytest.mark.parametrize(
        ("tries", "by_itself"), [(0, True), (MOST_TRIES - 1, True), (MOST_TRIES, False)]
    )
    def test_it_stops_asking_by_itself(self, tries: int, by_itself: bool) -> None:
        page = Document(waiting_page("处理中", 3, an_again(tries=tries), cashier_url=CASHIER).html)

        assert ("form.submit()" in page.script) is by_itself
        assert page.one("button").text == "重试"

    def test_its_form_leads_to_us_and_where_we_lead_only(self) -> None:
        again = an_again(leads_to=("https://open.weixin.example",))

        policy = policy_of(waiting_page("处理中", 3, again, cashier_url=CASHIER))

        assert policy["form-action"] == f"'self' {ACTION} https://open.weixin.example"


_IMPORTED = """
import sys
import chalicelib.orders.pages.links, chalicelib.orders.pages.qr, chalicelib.orders.pages.layout
import chalicelib.orders.pages.cashier, chalicelib.orders.pages.platforms
import chalicelib.orders.pages.wechat_sign_in, chalicelib.orders.pages.oauth_ticket
heavy = {"qrcode", "png", "jinja2", "alipay", "wechatpayv3", "requests", "PIL", "Cryptodome"}
print(sorted(heavy & sys.modules.keys()))
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

    assert "请重试" in message_page("支付提示", "请重试").html
