"""Orders as the platform's frontends know them: camelCase, yuan text, Beijing time, text ids."""

from __future__ import annotations

from datetime import datetime

from chalicelib.clock import to_beijing_text, to_rfc3339
from chalicelib.money import fen_to_yuan_text
from chalicelib.orders.model import Order, PayRecord
from chalicelib.orders.results import Outcome
from chalicelib.orders.service import Offer

Json = dict[str, object]

_CURRENCY = "CNY"


def pay_code(offer: Offer, qrcode: str, pay_url: str, now: datetime) -> Json:
    """The answer of ``generatepaycode``: the pay record, its QR code and how long it is good."""
    answer = {
        **_pay_record(offer.order, offer.record),
        "qrcode": qrcode,
        "payUrl": pay_url,
        "expiresAt": to_rfc3339(offer.order.expires_at),
        "now": to_rfc3339(now),
    }
    if offer.previous_price_fen is not None:
        answer["previousPrice"] = fen_to_yuan_text(offer.previous_price_fen)
        answer["previousPriceFen"] = offer.previous_price_fen
    return answer


def pay_result(outcome: Outcome, now: datetime) -> Json:
    """The answer of ``payresult`` to the owner."""
    return {
        **_pay_record(outcome.order, outcome.record),
        "orderStatus": outcome.order.status,
        "paidByPayNo": outcome.order.paid_by_pay_no,
        "expiresAt": to_rfc3339(outcome.order.expires_at),
        "now": to_rfc3339(now),
    }


def pay_result_for_payer(outcome: Outcome) -> Json:
    """The answer of ``payresult`` to whoever holds the link: nothing about the owner."""
    return {
        "payNo": outcome.record.pay_no,
        "orderName": outcome.order.title,
        "totalPrice": fen_to_yuan_text(outcome.record.amount_fen),
        "totalPriceFen": outcome.record.amount_fen,
        "status": outcome.record.status,
        "orderStatus": outcome.order.status,
    }


def _pay_record(order: Order, record: PayRecord) -> Json:
    return {
        "id": record.pay_no,
        "payNo": record.pay_no,
        "outPayNo": record.channel_trade_no,
        "outPayChannel": record.channel,
        "orderId": order.order_id,
        "orderName": order.title,
        "totalPrice": fen_to_yuan_text(record.amount_fen),
        "totalPriceFen": record.amount_fen,
        "currency": _CURRENCY,
        "createDate": to_beijing_text(record.created_at),
        "status": record.status,
        "paySuccessTime": to_beijing_text(record.paid_at) if record.paid_at else None,
        "userId": record.user_id,
    }
