"""The pages that lead to a platform: where they go, what they send, and what they may ask."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from chalicelib.errors import ChannelRefused
from chalicelib.orders.model import PayChannel, TradeType
from chalicelib.orders.pages.platforms import alipay_form_page, wechat_bridge_page, wechat_h5_page
from chalicelib.orders.pages.qr import qr_data_uri
from chalicelib.orders.platform import Bridge, Form, Payer, Redirect
from tests.builders import a_pay_record, alipay_peer, an_alipay_channel
from tests.fakes.clock import START
from tests.unit.orders.documents import (
    CASHIER,
    H5_URL,
    ON,
    PARAMETERS,
    Document,
    a_code_page,
    policy_of,
)

ALIPAY = Payer(channel=PayChannel.ALIPAY, trade_type=TradeType.ALI_WAP)


class TestAlipayForm:
    def test_it_submits_exactly_the_fields_that_were_signed(self) -> None:
        channel = an_alipay_channel()
        record = a_pay_record(subject="<b>“引号”</b> \"'&amp; 100%+")
        request = channel.freeze(record, ALIPAY, START).request
        form = channel.present(a_pay_record(request=request), START)
        assert isinstance(form, Form)

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
        assert "HTMLFormElement.prototype.submit.call" in page.script

    def test_its_policy_does_not_stop_the_redirects_of_the_platform(self) -> None:
        page = alipay_form_page(Form(action="https://a.example/", fields=()))

        assert "form-action" not in policy_of(page)

    def test_hostile_addresses_stay_addresses(self) -> None:
        action = 'https://a.example/"><script>alert(1)</script>'
        document = Document(alipay_form_page(Form(action=action, fields=())).html)

        assert document.one("form").attributes["action"] == action
        assert len(document.all("script")) == 1


class TestWeChatBridge:
    def test_what_was_signed_reaches_the_bridge_as_data(self) -> None:
        hostile = {**PARAMETERS, "paySign": "\"'</script><b>\u2028\\"}
        page = Document(wechat_bridge_page(Bridge(hostile), ON).html)

        assert json.loads(page.one("div", id="watch").attributes["data-parameters"]) == hostile
        assert PARAMETERS["package"] not in page.script

    def test_its_script_is_the_same_whatever_was_signed(self) -> None:
        scripts = {
            Document(wechat_bridge_page(Bridge(given), ON).html).script
            for given in (PARAMETERS, {}, {"appId": "');alert(1)//"})
        }

        assert len(scripts) == 1

    def test_it_asks_us_for_the_outcome_and_leads_to_the_result(self) -> None:
        page = wechat_bridge_page(Bridge(PARAMETERS), ON)

        watch = Document(page.html).one("div", id="watch").attributes
        assert watch["data-payresult"] == ON.payresult_url
        assert watch["data-result"] == ON.result_url
        assert watch["data-unpaid"] == "600001"
        assert policy_of(page)["connect-src"] == "'self'"
        assert policy_of(page)["form-action"] == "'none'"

    @pytest.mark.parametrize(
        "words", ["支付成功，正在确认", "已取消", "支付失败", "重新支付", "支付结果确认中"]
    )
    def test_it_has_words_for_each_end_none_of_them_shown_at_first(self, words: str) -> None:
        page = Document(wechat_bridge_page(Bridge(PARAMETERS), ON).html)

        (element,) = (e for e in page.elements if e.text == words)
        assert "hidden" in element.attributes

    def test_it_leads_back_to_the_cashier(self) -> None:
        page = Document(wechat_bridge_page(Bridge(PARAMETERS), ON).html)

        assert page.one("a", href=CASHIER).text == "返回收银台"

    def test_its_address_which_has_the_code_in_it_is_told_to_nobody(self) -> None:
        page = wechat_bridge_page(Bridge(PARAMETERS), ON)

        assert page.headers["Referrer-Policy"] == "no-referrer"


class TestWeChatH5:
    def test_it_goes_to_wechat_by_itself_and_by_a_link(self) -> None:
        page = Document(wechat_h5_page(Redirect(H5_URL), ON).html)

        assert page.one("a", id="wechat").attributes["href"].startswith(f"{H5_URL}&")
        assert "location.replace" in page.script
        assert "tenpay" not in page.script

    def test_wechat_sends_the_browser_back_to_our_cashier(self) -> None:
        link = Document(wechat_h5_page(Redirect(H5_URL), ON).html).one("a", id="wechat")

        query = parse_qs(urlsplit(link.attributes["href"]).query, strict_parsing=True)
        assert query == {"prepay_id": ["wx1"], "package": ["2"], "redirect_url": [CASHIER]}

    def test_it_tells_wechat_which_site_sends_the_browser_and_no_more(self) -> None:
        page = wechat_h5_page(Redirect(H5_URL), ON)

        assert page.headers["Referrer-Policy"] == "strict-origin"
        link = Document(page.html).one("a", id="wechat")
        assert link.attributes["referrerpolicy"] == "strict-origin"
        assert "rel" not in link.attributes
        assert Document(page.html).all("meta", **{"http-equiv": "refresh"}) == []

    @pytest.mark.parametrize(
        "url",
        ["javascript:alert(1)?x=1", "data:text/html,x?y", "//evil.example/?x", "", H5_URL[6:]],
    )
    def test_an_address_that_is_none_of_the_web_leads_nowhere(self, url: str) -> None:
        with pytest.raises(ChannelRefused):
            wechat_h5_page(Redirect(url), ON)


class TestWeChatCode:
    def test_it_shows_the_code_the_amount_and_the_time(self) -> None:
        page = Document(a_code_page("weixin://wxpay/bizpayurl?pr=1").html)

        assert page.one("img").attributes["src"] == qr_data_uri("weixin://wxpay/bizpayurl?pr=1")
        assert page.one("p", **{"class": "amount"}).text == "¥9.90"
        assert page.one("p", id="countdown").attributes["data-seconds-left"] == "1800"
        assert "2026-03-01 12:30:00" in page.visible

    def test_it_asks_us_until_it_is_paid_and_leads_back(self) -> None:
        page = Document(a_code_page().html)

        assert page.one("div", id="watch").attributes["data-payresult"] == ON.payresult_url
        assert page.one("a", href=CASHIER).text == "返回收银台"
        assert page.one("a", href=ON.result_url)
        assert page.all("form") == []
