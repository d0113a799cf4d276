"""Payers' pages as a browser reads them, and one of each to read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

from chalicelib.money import Fen
from chalicelib.orders.model import PayChannel, TradeType
from chalicelib.orders.pages.browser import Browser
from chalicelib.orders.pages.cashier import CashierState, CashierView, cashier_page
from chalicelib.orders.pages.layout import Again, Page, message_page, waiting_page
from chalicelib.orders.pages.platforms import (
    WaysOn,
    alipay_form_page,
    wechat_bridge_page,
    wechat_code_page,
    wechat_h5_page,
)
from chalicelib.orders.platform import Bridge, CodeUrl, Form, Redirect
from tests.builders import PAY_NO
from tests.fakes.clock import START

BASE = "https://pay.example/prod"
ACTION = f"{BASE}/orders/requestpay"
CASHIER = f"{ACTION}?payNo=1&sign=c"
ON = WaysOn(
    cashier_url=CASHIER,
    payresult_url=f"{BASE}/orders/payresult?payNo=1&sign=p",
    result_url="https://h5.example/result.html?from=pay&payNo=1&sign=r",
)
PARAMETERS = {
    "appId": "wx0000000000000001",
    "timeStamp": "1772337600",
    "nonceStr": "5K8264ILTKCH16CQ2502SI8ZNMTM67VS",
    "package": "prepay_id=wx01120000000000000000000000000001",
    "signType": "RSA",
    "paySign": "a+b/c==",
}
H5_URL = "https://wx.tenpay.com/cgi-bin/mmpayweb-bin/checkmweb?prepay_id=wx1&package=2"


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

    @property
    def script(self) -> str:
        return "".join(element.text for element in self.all("script"))

    @property
    def hidden_fields(self) -> dict[str, str]:
        return {
            element.attributes["name"]: element.attributes["value"]
            for element in self.all("input", type="hidden")
        }


def policy_of(page: Page) -> dict[str, str]:
    directives = page.headers["Content-Security-Policy"].split("; ")
    return {name: value for name, _, value in (text.partition(" ") for text in directives)}


def a_view(**changes: Any) -> CashierView:
    values: dict[str, Any] = {
        "state": CashierState.PAYABLE,
        "browser": Browser.MOBILE,
        "served": frozenset(PayChannel),
        "title": "Java 编程思想",
        "amount_fen": Fen(990),
        "expires_at": START + timedelta(minutes=30),
        "now": START,
        "action": ACTION,
        "pay_no": PAY_NO,
        "token": "2026.1772340000.mac",
        "link": "https://pay.example/prod/orders/requestpay?payNo=1&sign=x",
        **changes,
    }
    return CashierView(**values)


def an_again(**changes: Any) -> Again:
    values: dict[str, Any] = {
        "action": ACTION,
        "pay_no": PAY_NO,
        "token": "2026.1772340000.mac",
        "way": TradeType.ALI_WAP,
        **changes,
    }
    return Again(**values)


def a_code_page(text: str = "weixin://wxpay/bizpayurl?pr=p4lpSuKzz") -> Page:
    return wechat_code_page(CodeUrl(text), Fen(990), START + timedelta(minutes=30), START, ON)


def every_page(words: str) -> list[Page]:
    """One of each page, with ``words`` in every place that takes any."""
    return [
        *(
            cashier_page(a_view(state=state, browser=browser, title=words, result_url=words))
            for state in CashierState
            for browser in Browser
        ),
        cashier_page(a_view(on=WaysOn(cashier_url=words, payresult_url=words, result_url=words))),
        message_page(words, words),
        message_page(words, words, cashier_url=words),
        waiting_page(words, 3, an_again(token=words, tries=1), cashier_url=words),
        alipay_form_page(Form(action="https://a.example/", fields=((words, words),))),
        wechat_bridge_page(Bridge({**PARAMETERS, "paySign": words, words: words}), ON),
        wechat_h5_page(Redirect(f"{H5_URL}&x={words}"), ON),
        wechat_code_page(
            CodeUrl(words),
            Fen(990),
            START + timedelta(minutes=30),
            START,
            WaysOn(cashier_url=words, payresult_url=words, result_url=words),
        ),
    ]
