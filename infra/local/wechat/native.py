"""Native payment: what happens after a payer scanned a ``code_url``."""

from __future__ import annotations

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from infra.local.wechat.ledger import CODE_URL, Prepay, TradeType
from infra.local.wechat.platform import Platform
from infra.local.wechat.refusal import Refusal, against_rules
from infra.local.wechat.visits import Visit


def native(platform: Platform) -> Blueprint:
    """``/scan``: the scanner of WeChat; a person pastes what the QR code says."""
    routes = Blueprint("native", __name__)

    @routes.get("/scan")
    def scan() -> AnyResponse:
        code_url = request.args.get("code_url")
        if not code_url:
            return Response(render_template("scan.html"))
        try:
            prepay = scanned(platform, code_url)
        except Refusal as refusal:
            return Response(render_template("refused.html", message=refusal.message, code=""))
        visit_id = platform.visits.start(Visit(prepay, platform.payers.of(request), ""))
        return redirect(url_for("cashier.show", visit_id=visit_id), 303)

    return routes


def scanned(platform: Platform, code_url: str) -> Prepay:
    """The prepay order behind ``weixin://wxpay/bizpayurl?pr=…``.

    Raises
    ------
    Refusal
        It is no such URL, or older than two hours.
    """
    if not code_url.startswith(CODE_URL):
        raise against_rules("不是微信支付的二维码")
    prepay = platform.ledger.find_prepay(code=code_url.removeprefix(CODE_URL))
    if prepay is None or prepay.order.trade_type is not TradeType.NATIVE:
        raise against_rules("二维码无效")
    if not platform.visits.is_alive(prepay):
        raise against_rules("二维码已过期，请重新获取")
    return prepay
