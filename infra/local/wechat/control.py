"""What tests may see and do behind the platform's back. JSON in, JSON out.

======  ============================================  ============================================
GET     ``/_control/trades``                          all trades
GET     ``/_control/trades/<out_trade_no>``           one, with notifications, deliveries, refunds
POST    ``/_control/trades/<out_trade_no>/pay``       ``{"openid"}`` or nothing: somebody pays
POST    ``/_control/trades/<out_trade_no>/state``     ``{"trade_state"}`` of an unpaid trade
POST    ``/_control/trades/<out_trade_no>/notify``    the last notification once more, now
POST    ``/_control/trades/<out_trade_no>/refund``    ``{"refund"}``, made in the merchant portal
POST    ``/_control/jsapi-pay``                       a `JsapiPayment`: the bridge without a browser
POST    ``/_control/native-pay``                      ``{"code_url", "openid"}``: scan and pay
POST    ``/_control/payers``                          ``{"openid"}``: this user exists
POST    ``/_control/refunds/<out_refund_no>/end``     ``{"status"}``: end a refund now
POST    ``/_control/refund-outcomes``                 order an `Outcome`
DELETE  ``/_control/refund-outcomes``                 forget them
POST    ``/_control/notify``                          a `Post`, encrypted, signed and sent once
POST    ``/_control/faults``                          order a `Fault`
GET     ``/_control/faults``                          those that have not happened yet
DELETE  ``/_control/faults``                          forget them
======  ============================================  ============================================

Unknown trades and refunds are 404, refused payments 409, malformed orders 400.
"""

from __future__ import annotations

import msgspec
from flask import Blueprint, Response, request

from infra.local.wechat.control_messages import add_messages
from infra.local.wechat.control_payments import add_payments
from infra.local.wechat.control_refunds import add_refunds
from infra.local.wechat.control_views import seen_notification, seen_refund, seen_trade, to_json
from infra.local.wechat.faults import Fault
from infra.local.wechat.platform import Platform
from infra.local.wechat.refusal import Refusal


def control(platform: Platform) -> Blueprint:
    """The routes under ``/_control``."""
    routes = Blueprint("control", __name__, url_prefix="/_control")
    _add_watching(routes, platform)
    add_payments(routes, platform)
    add_refunds(routes, platform)
    add_messages(routes, platform)
    _add_faults(routes, platform)

    @routes.errorhandler(ValueError)
    def malformed(error: ValueError) -> Response:
        return to_json({"error": str(error)}, 400)

    @routes.errorhandler(Refusal)
    def refused(refusal: Refusal) -> Response:
        status = 404 if refusal.status == 404 else 409
        return to_json({"error": refusal.message, "code": refusal.code}, status)

    return routes


def _add_watching(routes: Blueprint, platform: Platform) -> None:
    @routes.get("/trades")
    def trades() -> Response:
        return to_json([seen_trade(trade) for trade in platform.ledger.trades()])

    @routes.get("/trades/<out_trade_no>")
    def one_trade(out_trade_no: str) -> Response:
        trade = platform.ledger.find(out_trade_no)
        if trade is None:
            return to_json({"error": f"nothing is known of {out_trade_no}"}, 404)
        sent = platform.notifier.notifications(out_trade_no)
        refunds = platform.refunds.of_trade(out_trade_no)
        return to_json(
            seen_trade(trade)
            | {"notifications": [seen_notification(n) for n in sent]}
            | {"refunds": [seen_refund(r) for r in refunds]}
        )


def _add_faults(routes: Blueprint, platform: Platform) -> None:
    @routes.post("/faults")
    def order_fault() -> Response:
        fault = msgspec.json.decode(request.get_data(), type=Fault)
        platform.faults.add(fault)
        return to_json(fault, 201)

    @routes.get("/faults")
    def open_faults() -> Response:
        return to_json(platform.faults.pending())

    @routes.delete("/faults")
    def forget_faults() -> Response:
        platform.faults.clear()
        return to_json([])
