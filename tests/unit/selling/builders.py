"""Payments and refunds of goods of any order type."""

from __future__ import annotations

from datetime import datetime, timedelta

from chalicelib.money import Fen
from chalicelib.mq.message import OutboxMessage, PayResult, paid_event
from chalicelib.mq.refund_message import RefundResult, refund_event
from chalicelib.purchasables import OrderType
from tests.fakes.clock import START


def paid(order_type: str, record_id: str, *, at: datetime = START) -> OutboxMessage:
    """Courses are bought for a year, all else for ever."""
    result = PayResult(
        message_id=f"{order_type}-{record_id}-paid",
        out_business_id=record_id,
        order_type=order_type,
        order_id=f"{order_type}-{record_id}",
        paid_at=at,
        valid_days=365 if order_type == OrderType.COURSE else None,
    )
    return paid_event(result, at)


def refunded(order_type: str, record_id: str) -> OutboxMessage:
    refund_no = f"{order_type}-{record_id}-refund"
    result = RefundResult(
        message_id=refund_no,
        out_business_id=record_id,
        order_type=order_type,
        order_id=f"{order_type}-{record_id}",
        refund_no=refund_no,
        refund_fen=Fen(990),
        refunded_at=START + timedelta(days=1),
    )
    return refund_event(result, result.refunded_at)
