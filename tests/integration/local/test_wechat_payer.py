"""The payer inside WeChat, against a shop and a bridge that a test makes up."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask, redirect, request
from werkzeug.wrappers import Response

from infra.local.purchase.browser import INSIDE_WECHAT, PayerError
from infra.local.purchase.wechat_payer import WeChatPayer
from infra.local.services.web_server import WebServer

PARAMETERS = {"appId": "wx1", "package": "prepay_id=wx2", "paySign": "a+b/c=="}
OK, CANCEL, FAIL = (f"get_brand_wcpay_request:{word}" for word in ("ok", "cancel", "fail"))


@dataclass
class Shop:
    """Our pages and WeChat's bridge on one server; ``seen`` is what the browser sent."""

    offers: str = '<button name="channel" value="603001">微信支付</button>'
    bridge_page: str = ""
    bridge: dict[str, str] = field(
        default_factory=lambda: {"check": OK, "pay": OK, "cancel": CANCEL}
    )
    statuses: list[str] = field(default_factory=lambda: ["600002"])
    seen: list[tuple[str, Any]] = field(default_factory=list)
    url: str = ""

    def app(self) -> Flask:
        app = Flask("shop")
        app.add_url_rule("/pay", view_func=lambda: f'<form method="post">{self.offers}</form>')
        app.add_url_rule("/pay", endpoint="open", methods=["POST"], view_func=self._open)
        app.add_url_rule("/oauth", endpoint="oauth", view_func=self._oauth)
        app.add_url_rule("/payresult", endpoint="payresult", view_func=self._payresult)
        app.add_url_rule("/result", endpoint="result", view_func=lambda: "<title>结果</title>")
        app.add_url_rule(
            "/_bridge/<deed>", endpoint="bridge", methods=["POST"], view_func=self._bridge
        )
        return app

    def _open(self) -> Response:
        response = redirect("/oauth", 303)
        response.set_cookie("ticket", "t")
        return response

    def _oauth(self) -> str | tuple[str, int]:
        self.seen.append(("content type", request.headers.get("Content-Type")))
        self.seen.append(("user agent", request.headers["User-Agent"]))
        if request.cookies.get("ticket") != "t":
            return "another browser", 400
        parameters = html.escape(json.dumps(PARAMETERS))
        return self.bridge_page or (
            f'<div id="watch" data-parameters="{parameters}" data-unpaid="600001"'
            f' data-payresult="{self.url}/payresult" data-result="{self.url}/result"></div>'
        )

    def _bridge(self, deed: str) -> dict[str, str]:
        self.seen.append((deed, json.loads(request.get_data())))
        return {"err_msg": self.bridge[deed]}

    def _payresult(self) -> dict[str, str]:
        return {"orderStatus": self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]}


@pytest.fixture
def shop() -> Iterator[Shop]:
    shop = Shop()
    with WebServer(shop.app()) as server:
        shop.url = server.url
        yield shop


@pytest.fixture
def payer(shop: Shop) -> Iterator[WeChatPayer]:
    with WeChatPayer(shop.url) as payer:
        yield payer


def test_a_payer_goes_through_oauth_and_hands_the_parameters_over_as_they_are(
    shop: Shop, payer: WeChatPayer
) -> None:
    bridge = payer.choose_wechat(payer.open_link(f"{shop.url}/pay"))
    payer.pay(bridge)

    assert shop.seen == [
        ("content type", None),
        ("user agent", INSIDE_WECHAT),
        ("check", PARAMETERS),
        ("pay", PARAMETERS),
    ]


def test_a_payer_waits_on_the_page_until_the_order_is_paid(shop: Shop, payer: WeChatPayer) -> None:
    shop.statuses = ["600001", "600001", "600002"]
    bridge = payer.choose_wechat(payer.open_link(f"{shop.url}/pay"))

    assert payer.follow_result(bridge, seconds=20).title == "结果"
    assert shop.statuses == ["600002"]


def test_a_payer_does_not_wait_for_ever(shop: Shop, payer: WeChatPayer) -> None:
    shop.statuses = ["600001"]
    bridge = payer.choose_wechat(payer.open_link(f"{shop.url}/pay"))

    with pytest.raises(PayerError, match="still unpaid"):
        payer.follow_result(bridge, seconds=0)


def test_a_payer_who_cancels_does_not_pay(shop: Shop, payer: WeChatPayer) -> None:
    bridge = payer.choose_wechat(payer.open_link(f"{shop.url}/pay"))
    payer.cancel(bridge)

    assert [deed for deed, _ in shop.seen[2:]] == ["check", "cancel"]


def test_parameters_that_wechat_refuses_are_an_error_of_that_step(
    shop: Shop, payer: WeChatPayer
) -> None:
    shop.bridge["check"] = FAIL
    bridge = payer.choose_wechat(payer.open_link(f"{shop.url}/pay"))

    with pytest.raises(PayerError, match="fail") as caught:
        payer.pay(bridge)
    assert caught.value.step == "pay in WeChat"
    assert "pay" not in dict(shop.seen)


def test_a_way_that_ends_at_another_page_is_an_error(shop: Shop, payer: WeChatPayer) -> None:
    shop.bridge_page = "<p>没有获得微信授权</p>"

    with pytest.raises(PayerError, match="没有获得微信授权") as caught:
        payer.choose_wechat(payer.open_link(f"{shop.url}/pay"))
    assert caught.value.step == "choose WeChat Pay"


def test_a_page_without_wechat_is_an_error(shop: Shop, payer: WeChatPayer) -> None:
    shop.offers = '<button name="channel" value="603002">支付宝</button>'

    with pytest.raises(PayerError, match="not offered"):
        payer.choose_wechat(payer.open_link(f"{shop.url}/pay"))
