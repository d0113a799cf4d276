"""What tests may see and do behind the platform's back. JSON in, JSON out.

======  ===========================================  =============================================
GET     ``/_control/trades``                         all trades
GET     ``/_control/trades/<out_trade_no>``          one, with its notifications and deliveries
POST    ``/_control/trades/<out_trade_no>/login``    the payer logs in (the offer must be known)
POST    ``/_control/trades/<out_trade_no>/pay``      … and pays; tells the signed ``return_url``
POST    ``/_control/trades/<out_trade_no>/refund``   ``{"amount"}`` in yuan, by the merchant portal
POST    ``/_control/trades/<out_trade_no>/finish``   no refund any more: TRADE_FINISHED
POST    ``/_control/trades/<out_trade_no>/notify``   the last notification once more, now
POST    ``/_control/notify``                         ``{"url", "fields"}``, signed and sent once
POST    ``/_control/faults``                         order a `Fault`
GET     ``/_control/faults``                         those that have not happened yet
DELETE  ``/_control/faults``                         forget them
PUT     ``/_control/settings``                       ``{"notifies_full_refund"}``
======  ===========================================  =============================================

Unknown trades are 404, refused payments and refunds 409, malformed orders 400.
"""

from __future__ import annotations

from typing import Any

import msgspec
from flask import Blueprint, Response, request

from chalicelib.money import fen_to_yuan_text
from infra.local.alipay.browser_return import return_location
from infra.local.alipay.faults import Fault
from infra.local.alipay.merchant_portal import refund_in_portal
from infra.local.alipay.notification import Delivery, Notification
from infra.local.alipay.platform import Platform
from infra.local.alipay.refusal import Refusal
from infra.local.alipay.trade import Offer, Refund, Trade


class _Letter(msgspec.Struct, forbid_unknown_fields=True):
    url: str
    fields: dict[str, str]


class _PortalRefund(msgspec.Struct, forbid_unknown_fields=True):
    amount: str


class _Settings(msgspec.Struct, forbid_unknown_fields=True):
    notifies_full_refund: bool


def control(platform: Platform) -> Blueprint:
    """The routes under ``/_control``."""
    routes = Blueprint("control", __name__, url_prefix="/_control")
    _add_watching(routes, platform)
    _add_paying(routes, platform)
    _add_refunding(routes, platform)
    _add_notifying(routes, platform)
    _add_faults(routes, platform)
    _add_settings(routes, platform)

    @routes.errorhandler(msgspec.DecodeError)
    def malformed(error: msgspec.DecodeError) -> Response:
        return _json({"error": str(error)}, 400)

    @routes.errorhandler(Refusal)
    def refused(refusal: Refusal) -> Response:
        return _json({"error": str(refusal), "sub_code": refusal.sub_code}, 409)

    return routes


def _add_watching(routes: Blueprint, platform: Platform) -> None:
    @routes.get("/trades")
    def trades() -> Response:
        return _json([_trade(trade) for trade in platform.ledger.trades()])

    @routes.get("/trades/<out_trade_no>")
    def one_trade(out_trade_no: str) -> Response:
        trade = platform.ledger.find("", out_trade_no)
        if trade is None:
            return _unknown(out_trade_no)
        notifications = platform.notifier.notifications(out_trade_no)
        return _json(_trade(trade) | {"notifications": [_notification(n) for n in notifications]})


def _add_paying(routes: Blueprint, platform: Platform) -> None:
    @routes.post("/trades/<out_trade_no>/login")
    def log_in(out_trade_no: str) -> Response:
        offer = platform.ledger.latest_offer(out_trade_no)
        if offer is None:
            return _unknown(out_trade_no)
        return _json(_trade(platform.ledger.log_in(offer)))

    @routes.post("/trades/<out_trade_no>/pay")
    def pay(out_trade_no: str) -> Response:
        offer = platform.ledger.latest_offer(out_trade_no)
        if offer is None:
            return _unknown(out_trade_no)
        return _json(_paid(platform, offer))


def _add_refunding(routes: Blueprint, platform: Platform) -> None:
    @routes.post("/trades/<out_trade_no>/refund")
    def refund(out_trade_no: str) -> Response:
        order = msgspec.json.decode(request.get_data(), type=_PortalRefund)
        if platform.ledger.find("", out_trade_no) is None:
            return _unknown(out_trade_no)
        return _json(_trade(refund_in_portal(platform, out_trade_no, order.amount)))

    @routes.post("/trades/<out_trade_no>/finish")
    def finish(out_trade_no: str) -> Response:
        if platform.ledger.find("", out_trade_no) is None:
            return _unknown(out_trade_no)
        return _json(_trade(platform.ledger.finish(out_trade_no)))


def _add_notifying(routes: Blueprint, platform: Platform) -> None:
    @routes.post("/trades/<out_trade_no>/notify")
    def notify_again(out_trade_no: str) -> Response:
        notifications = platform.notifier.notifications(out_trade_no)
        if not notifications:
            return _unknown(out_trade_no)
        return _json(_delivery(platform.notifier.send_again(notifications[-1])))

    @routes.post("/notify")
    def notify() -> Response:
        letter = msgspec.json.decode(request.get_data(), type=_Letter)
        return _json(_delivery(platform.notifier.send(letter.url, letter.fields)))


def _add_faults(routes: Blueprint, platform: Platform) -> None:
    @routes.post("/faults")
    def order_fault() -> Response:
        fault = msgspec.json.decode(request.get_data(), type=Fault)
        platform.faults.add(fault)
        return _json(fault, 201)

    @routes.get("/faults")
    def open_faults() -> Response:
        return _json(platform.faults.pending())

    @routes.delete("/faults")
    def forget_faults() -> Response:
        platform.faults.clear()
        return _json([])


def _add_settings(routes: Blueprint, platform: Platform) -> None:
    @routes.put("/settings")
    def change_settings() -> Response:
        settings = msgspec.json.decode(request.get_data(), type=_Settings)
        platform.notifies_full_refund = settings.notifies_full_refund
        return _json(settings)


def _paid(platform: Platform, offer: Offer) -> dict[str, Any]:
    there = platform.ledger.find("", offer.out_trade_no)
    # who has logged in may pay a moment after time_expire, when nobody can log in any more
    if there is None or there.offer != offer:
        platform.ledger.log_in(offer)
    trade = platform.ledger.pay(offer.out_trade_no)
    return _trade(trade) | {"return_location": return_location(platform, trade)}


def _trade(trade: Trade) -> dict[str, Any]:
    return {
        "out_trade_no": trade.offer.out_trade_no,
        "trade_no": trade.trade_no,
        "status": trade.status.value,
        "total_amount": trade.offer.total_amount,
        "subject": trade.offer.subject,
        "notify_url": trade.offer.notify_url,
        "return_url": trade.offer.return_url,
        "time_expire": trade.offer.time_expire,
        "gmt_create": trade.gmt_create,
        "gmt_payment": trade.gmt_payment,
        "gmt_close": trade.gmt_close,
        "refund_fee": fen_to_yuan_text(trade.refund_fee),
        "refunds": [_refund(refund) for refund in trade.refunds],
    }


def _refund(refund: Refund) -> dict[str, Any]:
    return {
        "out_request_no": refund.out_request_no,
        "out_biz_no": refund.out_biz_no,
        "amount": fen_to_yuan_text(refund.amount),
        "gmt_refund": refund.gmt_refund,
    }


def _notification(notification: Notification) -> dict[str, Any]:
    return {
        "notify_id": notification.notify_id,
        "url": notification.url,
        "trade_status": notification.fields["trade_status"],
        "deliveries": [_delivery(delivery) for delivery in list(notification.deliveries)],
    }


def _delivery(delivery: Delivery) -> dict[str, Any]:
    return {
        "at": delivery.at,
        "status": delivery.status,
        "answer": delivery.answer,
        "is_accepted": delivery.is_accepted,
        "fields": dict(delivery.fields),
    }


def _json(body: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(body), status, content_type="application/json")


def _unknown(out_trade_no: str) -> Response:
    return _json({"error": f"nothing is known of {out_trade_no}"}, 404)
