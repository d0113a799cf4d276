"""What the rows of the order service mean in the words of the model.

Raises ``ValueError`` for a code that this version does not know: newer code runs beside ours.
"""

from __future__ import annotations

from chalicelib.money import Fen
from chalicelib.orders.model import (
    ClosingReason,
    Order,
    OrderId,
    OrderItem,
    OrderStatus,
    PayChannel,
    PayNo,
    PayRecord,
    PayStatus,
    Phase,
    Refund,
    RefundKind,
    RefundStatus,
    SurplusReason,
    TradeType,
)
from chalicelib.orders.ports import NotifyEntry
from chalicelib.orders.storage.rows import (
    NotifyRow,
    OrderItemRow,
    OrderRow,
    PayRecordRow,
    RefundRow,
)
from chalicelib.purchasables import OrderType


def to_order(row: OrderRow) -> Order:
    """The order that a row holds."""
    return Order(
        order_id=OrderId(row.order_id),
        user_id=row.user_id,
        out_business_id=row.out_business_id,
        order_type=OrderType(row.order_type),
        status=OrderStatus(row.status),
        total_fen=Fen(int(row.total_fen)),
        title=row.title,
        created_at=row.created_at,
        expires_at=row.expires_at,
        live_pay_no=PayNo(row.live_pay_no),
        pay_nos=tuple(PayNo(number) for number in row.pay_nos),
        phase=Phase(row.phase),
        claim_token=row.claim_token,
        claim_deadline=row.claim_deadline,
        closing_because=ClosingReason(row.closing_because) if row.closing_because else None,
        paid_by_pay_no=PayNo(row.paid_by_pay_no) if row.paid_by_pay_no else None,
        paid_at=row.paid_at,
        revoked_by=row.revoked_by,
        next_audit_at=row.next_audit_at,
        audits=int(row.audits or 0),  # rows from before there were audits have none
        version=int(row.version),
    )


def to_item(row: OrderItemRow) -> OrderItem:
    """The order item that a row holds."""
    return OrderItem(
        order_id=OrderId(row.order_id),
        goods_id=row.goods_id,
        goods_type=OrderType(row.goods_type),
        title=row.title,
        price_fen=Fen(int(row.price_fen)),
        valid_days=int(row.valid_days) if row.valid_days is not None else None,
    )


def to_pay_record(row: PayRecordRow) -> PayRecord:
    """The attempt that a row holds."""
    return PayRecord(
        pay_no=PayNo(row.pay_no),
        order_id=OrderId(row.order_id),
        user_id=row.user_id,
        status=PayStatus(row.status),
        amount_fen=Fen(int(row.amount_fen)),
        subject=row.subject,
        created_at=row.created_at,
        expires_at=row.expires_at,
        channel=PayChannel(row.channel) if row.channel else None,
        trade_type=TradeType(row.trade_type) if row.trade_type else None,
        openid=row.openid,
        client_ip=row.client_ip,
        app_id=row.app_id,
        merchant_id=row.merchant_id,
        request=row.request,
        opened_at=row.opened_at,
        prepay=row.prepay,
        prepay_at=row.prepay_at,
        channel_trade_no=row.channel_trade_no,
        paid_fen=Fen(int(row.paid_fen)) if row.paid_fen is not None else None,
        paid_at=row.paid_at,
        surplus=SurplusReason(row.surplus) if row.surplus else None,
        refund_nos=tuple(row.refund_nos),
        reserved_fen=Fen(int(row.reserved_fen)),
        refunded_fen=Fen(int(row.refunded_fen)),
        told_back_fen=Fen(int(row.told_back_fen)),
        refund_sent_at=row.refund_sent_at,
        still_payable_until=row.still_payable_until,
        next_check_at=row.next_check_at,
        queried_at=row.queried_at,
        version=int(row.version),
    )


def to_refund(row: RefundRow) -> Refund:
    """The refund that a row holds."""
    return Refund(
        out_refund_no=row.out_refund_no,
        pay_no=PayNo(row.pay_no),
        order_id=OrderId(row.order_id),
        kind=RefundKind(row.kind),
        amount_fen=Fen(int(row.amount_fen)),
        amount_asked_fen=Fen(int(row.amount_asked_fen)),
        reason=row.reason,
        revoke=bool(row.revoke),
        status=RefundStatus(row.status),
        created_at=row.created_at,
        requested_by=row.requested_by,
        approved_by=row.approved_by,
        generation=int(row.generation),
        tries=int(row.tries),
        next_try_at=row.next_try_at,
        sent_at=row.sent_at,
        accepted_at=row.accepted_at,
        first_accepted_at=row.first_accepted_at,
        refunded_at=row.refunded_at,
        last_answer=row.last_answer,
        version=int(row.version),
    )


def to_notify_entry(row: NotifyRow) -> NotifyEntry:
    """The verified notification that a row holds."""
    return NotifyEntry(
        pay_no=PayNo(row.subject),
        verified=True,
        notify_id=row.notify_id,
        channel=PayChannel(row.channel),
        received_at=row.received_at,
        outcome=row.outcome,
        body=row.body,
    )
