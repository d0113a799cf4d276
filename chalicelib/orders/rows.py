"""The tables of the order service, and the way between their rows and the model."""

from __future__ import annotations

from pynamodb.attributes import (
    NumberAttribute,
    TTLAttribute,
    UnicodeAttribute,
    UTCDateTimeAttribute,
)
from pynamodb.models import Model

from chalicelib.money import Fen
from chalicelib.orders.model import (
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
    RefundStatus,
    SurplusReason,
    TradeType,
)
from chalicelib.purchasables import OrderType


class OrderRow(Model):
    """Orders, by number."""

    class Meta:
        table_name = "orders"

    order_id = UnicodeAttribute(hash_key=True)
    user_id = UnicodeAttribute()
    out_business_id = UnicodeAttribute()
    order_type = UnicodeAttribute()
    status = UnicodeAttribute()
    total_fen = NumberAttribute()
    title = UnicodeAttribute()
    created_at = UTCDateTimeAttribute()
    expires_at = UTCDateTimeAttribute()
    live_pay_no = UnicodeAttribute()
    phase = UnicodeAttribute()
    claim_token = UnicodeAttribute(null=True)
    claim_deadline = UTCDateTimeAttribute(null=True)
    paid_by_pay_no = UnicodeAttribute(null=True)
    paid_at = UTCDateTimeAttribute(null=True)
    version = NumberAttribute()
    write_id = UnicodeAttribute()


class OrderGuardRow(Model):
    """The newest order of each business id: the only one that may be unpaid or paid."""

    class Meta:
        table_name = "order-guards"

    out_business_id = UnicodeAttribute(hash_key=True)
    order_id = UnicodeAttribute()


class OrderItemRow(Model):
    """The goods of an order."""

    class Meta:
        table_name = "order-items"

    order_id = UnicodeAttribute(hash_key=True)
    item_no = NumberAttribute(range_key=True)
    goods_id = UnicodeAttribute()
    goods_type = UnicodeAttribute()
    title = UnicodeAttribute()
    price_fen = NumberAttribute()
    valid_days = NumberAttribute()


class PayRecordRow(Model):
    """Payment attempts, by pay number."""

    class Meta:
        table_name = "pay-records"

    pay_no = UnicodeAttribute(hash_key=True)
    order_id = UnicodeAttribute()
    user_id = UnicodeAttribute()
    status = UnicodeAttribute()
    amount_fen = NumberAttribute()
    subject = UnicodeAttribute()
    created_at = UTCDateTimeAttribute()
    expires_at = UTCDateTimeAttribute()
    channel = UnicodeAttribute(null=True)
    trade_type = UnicodeAttribute(null=True)
    app_id = UnicodeAttribute(null=True)
    merchant_id = UnicodeAttribute(null=True)
    openid = UnicodeAttribute(null=True)
    request = UnicodeAttribute(null=True)
    opened_at = UTCDateTimeAttribute(null=True)
    channel_trade_no = UnicodeAttribute(null=True)
    paid_fen = NumberAttribute(null=True)
    paid_at = UTCDateTimeAttribute(null=True)
    refunded_fen = NumberAttribute()
    reserved_fen = NumberAttribute()
    surplus = UnicodeAttribute(null=True)
    still_payable_until = UTCDateTimeAttribute(null=True)
    queried_at = UTCDateTimeAttribute(null=True)
    version = NumberAttribute()
    write_id = UnicodeAttribute()


class ChannelTradeRow(Model):
    """One attempt per trade of a platform."""

    class Meta:
        table_name = "channel-trades"

    channel_trade = UnicodeAttribute(hash_key=True)
    pay_no = UnicodeAttribute()


class RefundRow(Model):
    """Money on its way back, by refund number."""

    class Meta:
        table_name = "refunds"

    out_refund_no = UnicodeAttribute(hash_key=True)
    pay_no = UnicodeAttribute()
    order_id = UnicodeAttribute()
    amount_fen = NumberAttribute()
    reason = UnicodeAttribute()
    status = UnicodeAttribute()
    created_at = UTCDateTimeAttribute()
    version = NumberAttribute()
    write_id = UnicodeAttribute()


class NotifyRow(Model):
    """The evidence: each notification as it came. Rejected ones expire."""

    class Meta:
        table_name = "notify-log"

    subject = UnicodeAttribute(hash_key=True)
    notify_id = UnicodeAttribute(range_key=True)
    channel = UnicodeAttribute()
    received_at = UTCDateTimeAttribute()
    last_received_at = UTCDateTimeAttribute()
    outcome = UnicodeAttribute()
    body = UnicodeAttribute()
    times = NumberAttribute()
    expires = TTLAttribute(null=True)


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
        phase=Phase(row.phase),
        claim_token=row.claim_token,
        claim_deadline=row.claim_deadline,
        paid_by_pay_no=PayNo(row.paid_by_pay_no) if row.paid_by_pay_no else None,
        paid_at=row.paid_at,
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
        valid_days=int(row.valid_days),
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
        app_id=row.app_id,
        merchant_id=row.merchant_id,
        openid=row.openid,
        request=row.request,
        opened_at=row.opened_at,
        channel_trade_no=row.channel_trade_no,
        paid_fen=Fen(int(row.paid_fen)) if row.paid_fen is not None else None,
        paid_at=row.paid_at,
        refunded_fen=Fen(int(row.refunded_fen)),
        reserved_fen=Fen(int(row.reserved_fen)),
        surplus=SurplusReason(row.surplus) if row.surplus else None,
        still_payable_until=row.still_payable_until,
        queried_at=row.queried_at,
        version=int(row.version),
    )


def to_refund(row: RefundRow) -> Refund:
    """The refund that a row holds."""
    return Refund(
        out_refund_no=row.out_refund_no,
        pay_no=PayNo(row.pay_no),
        order_id=OrderId(row.order_id),
        amount_fen=Fen(int(row.amount_fen)),
        reason=row.reason,
        status=RefundStatus(row.status),
        created_at=row.created_at,
        version=int(row.version),
    )
