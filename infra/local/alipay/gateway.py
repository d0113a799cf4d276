"""``/gateway.do``: the one address of all methods.

Answers to servers are JSON with the signature over the exact text of ``<method>_response``; pages
go on to the cashier.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from infra.local.alipay import wap_pay
from infra.local.alipay.faults import Fault
from infra.local.alipay.lost_answer import lost
from infra.local.alipay.methods import SERVER_METHODS
from infra.local.alipay.platform import Platform
from infra.local.alipay.refusal import Refusal, failed, invalid, service_unavailable
from infra.local.alipay.request import CLOCK_TOLERANCE, GatewayRequest, merged, verified
from infra.local.alipay.signature import sign, spoiled

_HTML = "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body>busy</body></html>"


def gateway(platform: Platform) -> Blueprint:
    """The routes of the gateway."""
    routes = Blueprint("gateway", __name__)

    @routes.route("/gateway.do", methods=["GET", "POST"])
    def gateway_do() -> AnyResponse:
        pairs = [*request.args.items(multi=True), *request.form.items(multi=True)]
        method = dict(pairs).get("method", "")
        if method == wap_pay.METHOD:
            return _open_cashier(platform, pairs)
        return _answer_server(platform, method, pairs)

    return routes


def _open_cashier(platform: Platform, pairs: list[tuple[str, str]]) -> AnyResponse:
    try:
        call = _verified(platform, merged(pairs), max_age=wap_pay.MAX_FORM_AGE)
        cashier_id = platform.ledger.open_cashier(wap_pay.offer_of(platform, call))
    except Refusal as refusal:
        # a browser is told on a page, with status 200
        return Response(render_template("refused.html", refusal=refusal))
    return redirect(url_for("cashier.show", cashier_id=cashier_id), 303)


def _answer_server(platform: Platform, method: str, pairs: list[tuple[str, str]]) -> AnyResponse:
    fault: Fault | None = None
    signed = True
    try:
        call = _verified(platform, merged(pairs))
        fault = platform.faults.take(method, call.out_trade_no)
        content = {"code": "10000", "msg": "Success"} | _called(platform, call, fault)
    except Refusal as refusal:
        content, signed = _refused(refusal), refusal.signed
    name = f"{method.replace('.', '_')}_response" if method in SERVER_METHODS else "error_response"
    return _signed_answer(platform, name, content, fault, signed=signed)


def _verified(
    platform: Platform, parameters: Mapping[str, str], max_age: timedelta = CLOCK_TOLERANCE
) -> GatewayRequest:
    return verified(
        parameters,
        keys=platform.keys,
        app_id=platform.merchant.app_id,
        now=platform.clock.now(),
        max_age=max_age,
    )


def _called(platform: Platform, call: GatewayRequest, fault: Fault | None) -> dict[str, Any]:
    method = SERVER_METHODS.get(call.method)
    if method is None:
        raise invalid("method", "不存在的方法名")
    if fault is None:
        return method(platform, call)
    match fault.do:
        case "system_error":
            raise service_unavailable()
        case "refuse":
            raise failed(fault.sub_code, "业务处理失败")
        case "pretend":
            return fault.changed({})
        case "delay":
            platform.wait(fault.seconds)
    return method(platform, call)


def _refused(refusal: Refusal) -> dict[str, Any]:
    return {
        "code": refusal.code,
        "msg": refusal.msg,
        "sub_code": refusal.sub_code,
        "sub_msg": refusal.sub_msg,
    }


def _signed_answer(
    platform: Platform, name: str, content: dict[str, Any], fault: Fault | None, *, signed: bool
) -> AnyResponse:
    deed = fault.do if fault is not None else None
    if fault is not None and deed == "slow":
        platform.wait(fault.seconds)
    if deed == "lose":
        return lost(request.environ)
    if deed == "http_500":
        return Response("", 500)
    if deed == "html":
        return Response(_HTML)
    if fault is not None and deed == "change":
        content = fault.changed(content)
    text = _json(content)
    signature = sign(text, platform.keys.platform)
    if fault is not None and deed == "tamper":
        text = _json(fault.changed(content))
    if deed == "corrupt_signature":
        signature = spoiled(signature)
    rest = f',"sign":"{signature}"' if signed and deed != "unsigned" else ""
    return Response(f'{{"{name}":{text}{rest}}}', content_type="text/html;charset=utf-8")


def _json(content: Mapping[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))
