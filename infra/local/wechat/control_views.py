"""How the control routes show what the platform knows."""

from __future__ import annotations

from typing import Any

import msgspec
from flask import Response

from infra.local.wechat.ledger import Trade
from infra.local.wechat.notify import Delivery, Notification
from infra.local.wechat.refunds import Refund


def to_json(content: Any, status: int = 200) -> Response:
    """``content`` as an answer."""
    return Response(msgspec.json.encode(content), status, content_type="application/json")


def seen_trade(trade: Trade) -> dict[str, Any]:
    """A trade without its notifications."""
    order = trade.order
    return {
        "out_trade_no": order.out_trade_no,
        "trade_type": order.trade_type.value,
        "trade_state": trade.state.value,
        "transaction_id": trade.transaction_id,
        "openid": trade.payer_openid or order.openid,
        "total": order.total,
        "description": order.description,
        "attach": order.attach,
        "notify_url": order.notify_url,
        "time_expire": order.time_expire,
        "created_at": trade.created_at,
        "paid_at": trade.paid_at,
        "closed_at": trade.closed_at,
    }


def seen_refund(refund: Refund) -> dict[str, Any]:
    """A refund, and who asked for it."""
    return {
        "out_refund_no": refund.request.out_refund_no,
        "refund_id": refund.refund_id,
        "out_trade_no": refund.trade.order.out_trade_no,
        "refund": refund.request.refund,
        "status": refund.status.value,
        "origin": refund.request.origin.value,
        "notify_url": refund.request.notify_url,
        "created_at": refund.created_at,
        "success_time": refund.success_time,
    }


def seen_notification(notification: Notification) -> dict[str, Any]:
    """A notification in clear, with every attempt."""
    return {
        "id": notification.letter.notify_id,
        "event_type": notification.letter.event_type,
        "url": notification.url,
        "resource": dict(notification.letter.resource),
        "deliveries": [seen_delivery(delivery) for delivery in list(notification.deliveries)],
    }


def seen_delivery(delivery: Delivery) -> dict[str, Any]:
    """One attempt as it travelled."""
    return {
        "at": delivery.at,
        "status": delivery.status,
        "answer": delivery.answer,
        "is_accepted": delivery.is_accepted,
        "headers": dict(delivery.headers),
        "body": delivery.body.decode(),
    }
