"""``/v3/…``: verifies each request, has it carried out, and signs the answer.

A bill's file is not signed: its hash stands in the signed answer that named it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, request

from infra.local.wechat.answer_faults import carried_out
from infra.local.wechat.calls import ROUTES, Route
from infra.local.wechat.envelope import nonce_of, signed_headers
from infra.local.wechat.faults import Fault
from infra.local.wechat.notify import misused
from infra.local.wechat.platform import Platform
from infra.local.wechat.refusal import Refusal, system_error
from infra.local.wechat.request import MerchantRequest, RawRequest, verify


def api(platform: Platform) -> Blueprint:
    """The routes of all calls."""
    routes = Blueprint("api", __name__)
    for number, route in enumerate(ROUTES):
        view = _view(platform, route)
        routes.add_url_rule(route.rule, f"{number}", view, methods=[route.method])
    return routes


def _view(platform: Platform, route: Route) -> Callable[..., Response]:
    def view(**path: str) -> Response:
        body = request.get_data()
        try:
            raw = RawRequest(
                method=request.method,
                target=request.environ["REQUEST_URI"],
                authorization=request.headers.get("Authorization", ""),
                body=body,
            )
            verify(raw, platform.keys, platform.merchant, platform.clock.now())
        except Refusal as refusal:
            return _refused(platform, refusal, None)
        asked = MerchantRequest(
            base_url=request.host_url.rstrip("/"),
            path=path,
            query=request.args.to_dict(),
            body=body,
        )
        fault = platform.faults.take(route.name, _out_trade_no(platform, asked))
        return carried_out(platform, fault, lambda: _answer(platform, route, asked, fault))

    return view


def _answer(
    platform: Platform, route: Route, asked: MerchantRequest, fault: Fault | None
) -> Response:
    try:
        if fault is not None and fault.do == "system_error":
            raise system_error()
        content = route.call(platform, asked)
    except Refusal as refusal:
        return _refused(platform, refusal, fault)
    if isinstance(content, bytes):
        return Response(content, content_type="text/plain")
    return _signed(platform, 204 if content is None else 200, content, fault)


def _refused(platform: Platform, refusal: Refusal, fault: Fault | None) -> Response:
    content = {"code": refusal.code, "message": refusal.message}
    return _signed(platform, refusal.status, content, fault)


def _signed(
    platform: Platform, status: int, content: dict[str, Any] | None, fault: Fault | None
) -> Response:
    if fault is not None and fault.do == "change" and content is not None:
        content = fault.changed(content)
    body = b"" if content is None else json.dumps(content, ensure_ascii=False).encode()
    headers = signed_headers(body, platform.keys, platform.clock.now())
    response = Response(body, status, misused(headers, fault.do if fault is not None else None))
    response.headers["Request-ID"] = nonce_of(32)
    response.headers["Content-Type"] = "application/json; charset=utf-8"
    return response


def _out_trade_no(platform: Platform, asked: MerchantRequest) -> str:
    """The trade that a call is about, as far as it says so."""
    named = asked.path.get("out_trade_no") or asked.parameters().get("out_trade_no")
    if named:
        return str(named)
    transaction_id = asked.path.get("transaction_id") or asked.parameters().get("transaction_id")
    trade = platform.ledger.find_paid(str(transaction_id)) if transaction_id else None
    if trade is None and "out_refund_no" in asked.path:
        refund = platform.refunds.find(asked.path["out_refund_no"])
        trade = refund.trade if refund is not None else None
    return trade.order.out_trade_no if trade is not None else ""
