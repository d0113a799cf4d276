"""H5 payment: the middle page (中间页) between the merchant's site and WeChat.

https://pay.weixin.qq.com/doc/v3/merchant/4012791834. Its refusals are for the payer's eyes; the
merchant's server never hears of them. The payer's address is not compared: on one machine all have
the same.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from infra.local.wechat.ledger import Prepay, TradeType
from infra.local.wechat.platform import Platform
from infra.local.wechat.visits import H5_LIFETIME, Visit


def h5(platform: Platform) -> Blueprint:
    """Where an ``h5_url`` leads; the merchant may append ``redirect_url``."""
    routes = Blueprint("h5", __name__)

    @routes.get("/cgi-bin/mmpayweb-bin/checkmweb")
    def middle_page() -> AnyResponse:
        openid = platform.payers.of(request)
        prepay = platform.ledger.find_prepay(prepay_id=request.args.get("prepay_id", ""))
        complaint = _complaint_of_page(platform) or _complaint_of_url(platform, prepay, openid)
        if complaint or prepay is None:
            return Response(render_template("refused.html", message=complaint, code=""))
        back = request.args.get("redirect_url") or request.headers.get("Referer", "")
        visit_id = platform.visits.start(Visit(prepay, openid, back))
        return redirect(url_for("cashier.show", visit_id=visit_id), 303)

    return routes


def _complaint_of_page(platform: Platform) -> str:
    if "MicroMessenger" in request.headers.get("User-Agent", ""):
        return "请在微信外打开订单，进行支付"
    referer = request.headers.get("Referer", "")
    if not referer:
        return "商家参数格式有误，请联系商家解决"
    for url in (referer, request.args.get("redirect_url") or referer):
        if not platform.merchant.may_send_payers(_host(url)):
            return "商家存在未配置的参数，请联系商家解决"
    return ""


def _complaint_of_url(platform: Platform, prepay: Prepay | None, openid: str) -> str:
    if prepay is None or prepay.order.trade_type is not TradeType.H5:
        return "支付请求已失效，请重新发起支付"
    if prepay.code != request.args.get("package"):
        return "支付请求已失效，请重新发起支付"
    if not platform.visits.is_alive(prepay, H5_LIFETIME):
        return "支付请求已失效，请重新发起支付"
    if not platform.visits.belongs_to(prepay, openid):
        return "该链接已由其他微信账号打开，请重新发起支付"
    return ""


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
