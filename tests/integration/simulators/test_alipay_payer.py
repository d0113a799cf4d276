"""The payer against the Alipay simulator and a small shop that stands in for our own pages."""

from __future__ import annotations

import html
from collections.abc import Iterator

import pytest
from flask import Flask, redirect, request
from werkzeug.wrappers import Response

from infra.local.purchase.alipay_payer import AlipayPayer
from infra.local.purchase.browser import PayerError
from infra.local.purchase.cashier import CashierPage
from infra.local.services.web_server import WebServer
from tests.integration.simulators.merchant import Merchant

ONE_FORM = '<form method="post"><input type="hidden" name="token" value="t"><button>去支付</button>'
BUTTONS = (
    '<form method="post"><input type="hidden" name="token" value="t">'
    '<button name="channel" value="603001">微信</button>'
    '<button name="channel" value="603002">支付宝</button></form>'
)
RADIOS = (
    '<form method="post"><input type="hidden" name="token" value="t">'
    '<input type="radio" name="channel" value="603001" checked>'
    '<input type="radio" name="channel" value="603002"><button>支付</button></form>'
)
TWO_FORMS = (
    '<form method="post"><input type="hidden" name="channel" value="wechat"></form>'
    '<form method="post"><input type="hidden" name="token" value="t">'
    '<input type="hidden" name="channel" value="alipay"><button>支付宝</button></form>'
)


class Shop:
    """A link, a form to Alipay, and a result page."""

    def __init__(self, merchant: Merchant) -> None:
        self.cashier = ONE_FORM
        self.posted: dict[str, str] = {}
        self.total_amount = "9.90"
        self.url = ""
        self._merchant = merchant

    def app(self) -> Flask:
        app = Flask("shop")
        app.add_url_rule("/pay", view_func=lambda: self.cashier)
        app.add_url_rule("/pay", endpoint="open", methods=["POST"], view_func=self._open)
        app.add_url_rule("/back", endpoint="back", view_func=self._back)
        app.add_url_rule("/result", endpoint="result", view_func=lambda: "<title>结果</title>")
        return app

    def _open(self) -> str:
        self.posted = request.form.to_dict()
        order = self._merchant.order(total_amount=self.total_amount)
        fields = self._merchant.wap_form(order, return_url=f"{self.url}/back")
        inputs = "".join(
            f'<input type="hidden" name="{name}" value="{html.escape(value)}">'
            for name, value in fields.items()
        )
        action = f"{self._merchant.gateway}?charset=utf-8"
        return f'<form method="post" action="{action}">{inputs}</form>'

    def _back(self) -> Response:
        return redirect(f"/result?payNo={request.args['out_trade_no']}")


@pytest.fixture
def shop(merchant: Merchant) -> Iterator[Shop]:
    shop = Shop(merchant)
    with WebServer(shop.app()) as server:
        shop.url = server.url
        yield shop


@pytest.fixture
def payer() -> Iterator[AlipayPayer]:
    with AlipayPayer() as payer:
        yield payer


def test_a_payer_buys_step_by_step(shop: Shop, payer: AlipayPayer, merchant: Merchant) -> None:
    cashier = payer.open_link(f"{shop.url}/pay")
    login = payer.submit_to_alipay(payer.choose_alipay(cashier))
    assert merchant.query()["sub_code"] == "ACQ.TRADE_NOT_EXIST"
    paying = payer.log_in(login)
    assert merchant.query()["trade_status"] == "WAIT_BUYER_PAY"
    link = payer.pay(paying)
    assert merchant.query()["trade_status"] == "TRADE_SUCCESS"
    assert link.startswith(f"{shop.url}/back?")
    result = payer.follow_return(link)
    assert (result.url, result.title) == (f"{shop.url}/result?payNo=1001", "结果")
    assert [visit.step for visit in payer.browser.visits] == [
        "open the payment link",
        "choose Alipay",
        "hand the form to Alipay",
        "log in at Alipay",
        "pay at Alipay",
        "come back from Alipay",
    ]


@pytest.mark.parametrize(
    ("cashier", "posted"),
    [
        (ONE_FORM, {"token": "t"}),
        (BUTTONS, {"token": "t", "channel": "603002"}),
        (RADIOS, {"token": "t", "channel": "603002"}),
        (TWO_FORMS, {"token": "t", "channel": "alipay"}),
    ],
)
def test_a_payer_finds_alipay_on_any_cashier_page(
    shop: Shop, payer: AlipayPayer, cashier: str, posted: dict[str, str]
) -> None:
    shop.cashier = cashier
    payer.buy(f"{shop.url}/pay")
    assert shop.posted == posted


def test_a_page_without_alipay_is_an_error_of_that_step(shop: Shop, payer: AlipayPayer) -> None:
    shop.cashier = '<p>只有微信</p><form><input name="channel" value="wechat"></form>'
    page: CashierPage = payer.open_link(f"{shop.url}/pay")
    with pytest.raises(PayerError, match="只有微信") as caught:
        payer.choose_alipay(page)
    assert caught.value.step == "choose Alipay"


def test_an_order_that_alipay_refuses_is_an_error_of_that_step(
    shop: Shop, payer: AlipayPayer
) -> None:
    shop.total_amount = "0"
    with pytest.raises(PayerError, match="INVALID_PARAMETER") as caught:
        payer.buy(f"{shop.url}/pay")
    assert caught.value.step == "hand the form to Alipay"


def test_a_wrong_password_is_an_error_of_that_step(shop: Shop, payer: AlipayPayer) -> None:
    cashier = payer.open_link(f"{shop.url}/pay")
    paying = payer.log_in(payer.submit_to_alipay(payer.choose_alipay(cashier)))
    with pytest.raises(PayerError, match="支付密码不正确") as caught:
        payer.pay(paying, password="000000")
    assert caught.value.step == "pay at Alipay"


@pytest.mark.parametrize("path", ["/nothing", "/healthz"])
def test_a_link_that_is_no_page_is_an_error(shop: Shop, payer: AlipayPayer, path: str) -> None:
    with pytest.raises(PayerError) as caught:
        payer.open_link(f"{shop.url}{path}")
    assert caught.value.step == "open the payment link"


def test_a_server_that_is_down_is_an_error(payer: AlipayPayer) -> None:
    with pytest.raises(PayerError, match="no answer"):
        payer.open_link("http://127.0.0.1:9/pay")
