"""Orders as the platform's frontends know them: camelCase, yuan text, Beijing time, text ids."""

from __future__ import annotations

from datetime import datetime

from chalicelib.clock import to_beijing_text, to_rfc3339
from chalicelib.money import fen_to_yuan_text
from chalicelib.orders.model import (
    ClosingReason,
    Order,
    OrderItem,
    OrderStatus,
    PayRecord,
    Refund,
)
from chalicelib.orders.order_book import OrderDetail
from chalicelib.orders.ports import OrderPage
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


def order_page(page: OrderPage, now: datetime) -> Json:
    """The answer of ``GET /orders``."""
    return {
        "items": [_order(order) for order in page.orders],
        "nextPageToken": page.next_token,
        "now": to_rfc3339(now),
    }


def order_detail(detail: OrderDetail, now: datetime) -> Json:
    """One order to its owner. Who paid, and who asked for a refund, is nobody's business here."""
    return {
        **_order(detail.order),
        "items": [_item(item) for item in detail.items],
        "attempts": [_attempt(attempt) for attempt in detail.attempts],
        "refunds": [_refund(refund) for refund in detail.refunds],
        "now": to_rfc3339(now),
    }


def refund_for_operator(refund: Refund) -> Json:
    """One refund to the people who decide about refunds."""
    return {
        **_refund(refund),
        "orderId": refund.order_id,
        "askedAmount": fen_to_yuan_text(refund.amount_asked_fen),
        "askedAmountFen": refund.amount_asked_fen,
        "revoke": refund.revoke,
        "requestedBy": refund.requested_by,
        "approvedBy": refund.approved_by,
        "lastAnswer": refund.last_answer,
    }


def _order(order: Order) -> Json:
    return {
        "id": order.order_id,
        "orderId": order.order_id,
        "orderName": order.title,
        "orderType": order.order_type,
        "outBusinessId": order.out_business_id,
        "totalPrice": fen_to_yuan_text(order.total_fen),
        "totalPriceFen": order.total_fen,
        "currency": _CURRENCY,
        "createDate": to_beijing_text(order.created_at),
        "status": order.status,
        "closeReason": _close_reason(order),
        "paySuccessTime": _beijing_text(order.paid_at),
        "userId": order.user_id,
        "payNo": order.live_pay_no,
        "paidByPayNo": order.paid_by_pay_no,
        "expiresAt": to_rfc3339(order.expires_at),
    }


def _close_reason(order: Order) -> ClosingReason | None:
    """Why an order is closed or about to be; one that was paid after all is neither."""
    because = order.closing_because
    if because is None or not because.closes_the_order:
        return None
    return because if order.status in (OrderStatus.UNPAID, OrderStatus.CLOSED) else None


def _item(item: OrderItem) -> Json:
    return {
        "goodsId": item.goods_id,
        "goodsType": item.goods_type,
        "goodsName": item.title,
        "goodsPrice": fen_to_yuan_text(item.price_fen),
        "goodsPriceFen": item.price_fen,
        "validDays": item.valid_days,
    }


def _attempt(record: PayRecord) -> Json:
    paid = record.paid_fen
    return {
        "payNo": record.pay_no,
        "outPayNo": record.channel_trade_no,
        "outPayChannel": record.channel,
        "tradeType": record.trade_type,
        "status": record.status,
        "totalPrice": fen_to_yuan_text(record.amount_fen),
        "totalPriceFen": record.amount_fen,
        "paidAmount": fen_to_yuan_text(paid) if paid is not None else None,
        "paidAmountFen": paid,
        "createDate": to_beijing_text(record.created_at),
        "paySuccessTime": _beijing_text(record.paid_at),
        "surplusReason": record.surplus,
    }


def _refund(refund: Refund) -> Json:
    return {
        "refundNo": refund.out_refund_no,
        "payNo": refund.pay_no,
        "refundAmount": fen_to_yuan_text(refund.amount_fen),
        "refundFen": refund.amount_fen,
        "reason": refund.reason,
        "status": refund.status,
        "kind": refund.kind,
        "createDate": to_beijing_text(refund.created_at),
        "acceptedAt": to_rfc3339(refund.accepted_at) if refund.accepted_at else None,
        "refundedAt": to_rfc3339(refund.refunded_at) if refund.refunded_at else None,
    }


def _beijing_text(moment: datetime | None) -> str | None:
    return None if moment is None else to_beijing_text(moment)


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
        "paySuccessTime": _beijing_text(record.paid_at),
        "userId": record.user_id,
    }
