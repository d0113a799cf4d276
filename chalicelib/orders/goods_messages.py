"""What subscribers are told of an order's goods: they are paid for, or they go back. No I/O.

Both follow from what is stored alone, so that a message can be written again at any later time:
the same event key and the same message id, whenever and however often that is.
"""

from __future__ import annotations

from datetime import datetime

from chalicelib.mq.message import OutboxMessage, PayResult, paid_event
from chalicelib.mq.refund_message import RefundResult, refund_event
from chalicelib.orders.model import Order, OrderItem, PayRecord, Refund


def paid_message(
    order: Order, item: OrderItem, paying: PayRecord, created_at: datetime
) -> OutboxMessage:
    """The goods of ``order`` were bought by ``paying``; the same body to the byte each time."""
    assert paying.paid_at is not None, f"{paying.pay_no} was never paid"
    return paid_event(
        PayResult(
            message_id=paying.pay_no,
            out_business_id=order.out_business_id,
            order_type=order.order_type,
            order_id=order.order_id,
            paid_at=paying.paid_at,
            valid_days=item.valid_days,
        ),
        created_at=created_at,
    )


def revoked_message(
    order: Order, item: OrderItem, refund: Refund, created_at: datetime
) -> OutboxMessage:
    """The goods of ``order`` go back with ``refund``.

    The body is the same to the byte while the refund's amount is: what the merchant portal paid
    instead is taken from it, and when that is all, the amount that was asked for is told.
    """
    return refund_event(
        RefundResult(
            message_id=refund.out_refund_no,
            out_business_id=order.out_business_id,
            order_type=item.goods_type,
            order_id=order.order_id,
            refund_no=refund.out_refund_no,
            refund_fen=refund.amount_fen or refund.amount_asked_fen,
            refunded_at=_accepted_at(refund),
        ),
        created_at=created_at,
    )


def _accepted_at(refund: Refund) -> datetime:
    """When the platform first accepted it; the goods went with that, whatever became of the money.

    Of a refund that was accepted and closed by an earlier version only when it was sent is known.
    """
    accepted_at = refund.first_accepted_at or refund.accepted_at
    return accepted_at or refund.refunded_at or refund.sent_at or refund.created_at
