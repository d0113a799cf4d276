"""The bridge inside WeChat's browser (JSAPI调起支付): ``getBrandWCPayRequest``.

https://pay.weixin.qq.com/doc/v3/merchant/4012791857. ``/_bridge.js`` gives a page the object
``WeixinJSBridge`` that the real browser puts there. It asks the payer on the page itself, and the
simulator checks what the page passed on.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from flask import Blueprint, Response, render_template, request

from infra.local.wechat.ledger import Prepay, TradeType
from infra.local.wechat.platform import Platform
from infra.local.wechat.refusal import Refusal, against_rules
from infra.local.wechat.signature import is_signed, lines

Action = Literal["check", "pay", "cancel"]
_PACKAGE = "prepay_id="
_OK, _CANCEL, _FAIL = (f"get_brand_wcpay_request:{word}" for word in ("ok", "cancel", "fail"))


class Invocation(msgspec.Struct, frozen=True):
    """The parameters of ``getBrandWCPayRequest``; each is a string, the time too."""

    appId: str  # noqa: N815  the names of the wire
    timeStamp: str  # noqa: N815
    nonceStr: str  # noqa: N815
    package: str
    signType: str  # noqa: N815
    paySign: str  # noqa: N815


def bridge(platform: Platform) -> Blueprint:
    """The script, and what it asks the simulator."""
    routes = Blueprint("bridge", __name__)

    @routes.get("/_bridge.js")
    def script() -> Response:
        text = render_template("bridge.js", origin=request.host_url.rstrip("/"))
        return Response(text, content_type="text/javascript; charset=utf-8")

    @routes.post("/_bridge/<any(check, pay, cancel):action>")
    def invoke(action: Action) -> Response:
        result = invoked(platform, request.get_data(), platform.payers.of(request), action)
        response = Response(msgspec.json.encode(result), content_type="application/json")
        response.headers["Access-Control-Allow-Origin"] = request.headers.get("Origin", "null")
        response.headers["Access-Control-Allow-Credentials"] = "true"
        return response

    return routes


def invoked(platform: Platform, body: bytes, openid: str, action: Action) -> dict[str, Any]:
    """What the page gets to know: ``err_msg`` is ``get_brand_wcpay_request:ok``, cancel or fail."""
    try:
        order = verified(platform, body, openid).order
        if action == "pay":
            platform.ledger.pay(order.out_trade_no, openid)
    except Refusal as refusal:
        return {"err_msg": _FAIL, "err_desc": refusal.message}
    if action == "cancel":
        return {"err_msg": _CANCEL}
    return {"err_msg": _OK, "description": order.description, "total": order.total}


def verified(platform: Platform, body: bytes, openid: str) -> Prepay:
    """The prepay order that the parameters name.

    Raises
    ------
    Refusal
        A parameter is missing or no string, the signature is not the merchant's, the ``prepay_id``
        is unknown or too old, or it was ordered for another payer.
    """
    try:
        asked = msgspec.json.decode(body, type=Invocation)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise against_rules(f"调用支付JSAPI缺少参数或类型错误：{error}") from error
    if asked.appId != platform.merchant.app_id or not asked.package.startswith(_PACKAGE):
        raise against_rules("appId 或 package 参数错误")
    if asked.signType != "RSA":
        raise against_rules("signType 仅支持 RSA")
    content = lines(asked.appId, asked.timeStamp, asked.nonceStr, asked.package)
    if not is_signed(content, asked.paySign, platform.keys.merchant):
        raise against_rules("支付验证签名失败")
    prepay = platform.ledger.find_prepay(prepay_id=asked.package.removeprefix(_PACKAGE))
    if prepay is None or prepay.order.trade_type is not TradeType.JSAPI:
        raise against_rules("prepay_id 无效")
    if not platform.visits.is_alive(prepay):
        raise against_rules("prepay_id 已失效")
    if prepay.order.openid != openid:
        raise against_rules("下单账号与支付账号不一致")
    return prepay
