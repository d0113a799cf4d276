"""The tables of the order service. `chalicelib.orders.storage.reading` tells what a row means.

Indexes by time are sparse: a row is in one only while it has the index's keys. Their hash key is
one of a few shards, so that the newest rows do not all meet in one partition.
"""

from __future__ import annotations

from typing import Any

from pynamodb.attributes import (
    BooleanAttribute,
    ListAttribute,
    NumberAttribute,
    TTLAttribute,
    UnicodeAttribute,
    UTCDateTimeAttribute,
)
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.models import Model

SHARDS = 4
"""How many partitions an index by time is spread over."""


class ByUserIndex(GlobalSecondaryIndex[Any]):  # type: ignore[no-untyped-call]
    """A user's orders by time."""

    class Meta:
        index_name = "by-user"
        projection = AllProjection()

    user_id = UnicodeAttribute(hash_key=True)
    created_at = UTCDateTimeAttribute(range_key=True)


class DueChecksIndex(GlobalSecondaryIndex[Any]):  # type: ignore[no-untyped-call]
    """Attempts that somebody shall look at, by when."""

    class Meta:
        index_name = "due-checks"
        projection = KeysOnlyProjection()

    check_shard = NumberAttribute(hash_key=True)
    next_check_at = UTCDateTimeAttribute(range_key=True)


class DueRefundsIndex(GlobalSecondaryIndex[Any]):  # type: ignore[no-untyped-call]
    """Refunds that somebody shall move on, by when."""

    class Meta:
        index_name = "due-refunds"
        projection = KeysOnlyProjection()

    try_shard = NumberAttribute(hash_key=True)
    next_try_at = UTCDateTimeAttribute(range_key=True)


class DueAuditsIndex(GlobalSecondaryIndex[Any]):  # type: ignore[no-untyped-call]
    """Orders whose goods somebody shall look for, by when."""

    class Meta:
        index_name = "due-audits"
        projection = KeysOnlyProjection()

    audit_shard = NumberAttribute(hash_key=True)
    next_audit_at = UTCDateTimeAttribute(range_key=True)


class OrderRow(Model):
    """Orders, by number."""

    class Meta:
        table_name = "orders"

    by_user = ByUserIndex()
    due_audits = DueAuditsIndex()
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
    pay_nos: ListAttribute[Any] = ListAttribute(of=UnicodeAttribute)
    phase = UnicodeAttribute()
    claim_token = UnicodeAttribute(null=True)
    claim_deadline = UTCDateTimeAttribute(null=True)
    closing_because = UnicodeAttribute(null=True)
    paid_by_pay_no = UnicodeAttribute(null=True)
    paid_at = UTCDateTimeAttribute(null=True)
    revoked_by = UnicodeAttribute(null=True)
    audit_shard = NumberAttribute(null=True)
    next_audit_at = UTCDateTimeAttribute(null=True)
    audits = NumberAttribute(null=True)
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
    valid_days = NumberAttribute(null=True)


class PayRecordRow(Model):
    """Payment attempts, by pay number."""

    class Meta:
        table_name = "pay-records"

    due_checks = DueChecksIndex()
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
    openid = UnicodeAttribute(null=True)
    client_ip = UnicodeAttribute(null=True)
    app_id = UnicodeAttribute(null=True)
    merchant_id = UnicodeAttribute(null=True)
    request = UnicodeAttribute(null=True)
    opened_at = UTCDateTimeAttribute(null=True)
    prepay = UnicodeAttribute(null=True)
    prepay_at = UTCDateTimeAttribute(null=True)
    channel_trade_no = UnicodeAttribute(null=True)
    paid_fen = NumberAttribute(null=True)
    paid_at = UTCDateTimeAttribute(null=True)
    surplus = UnicodeAttribute(null=True)
    refund_nos: ListAttribute[Any] = ListAttribute(of=UnicodeAttribute)
    reserved_fen = NumberAttribute()
    refunded_fen = NumberAttribute()
    told_back_fen = NumberAttribute()
    refund_sent_at = UTCDateTimeAttribute(null=True)
    still_payable_until = UTCDateTimeAttribute(null=True)
    check_shard = NumberAttribute(null=True)
    next_check_at = UTCDateTimeAttribute(null=True)
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

    due_refunds = DueRefundsIndex()
    out_refund_no = UnicodeAttribute(hash_key=True)
    pay_no = UnicodeAttribute()
    order_id = UnicodeAttribute()
    kind = UnicodeAttribute()
    amount_fen = NumberAttribute()
    amount_asked_fen = NumberAttribute()
    reason = UnicodeAttribute()
    revoke = BooleanAttribute()
    status = UnicodeAttribute()
    created_at = UTCDateTimeAttribute()
    requested_by = UnicodeAttribute(null=True)
    approved_by = UnicodeAttribute(null=True)
    generation = NumberAttribute()
    tries = NumberAttribute()
    try_shard = NumberAttribute(null=True)
    next_try_at = UTCDateTimeAttribute(null=True)
    sent_at = UTCDateTimeAttribute(null=True)
    accepted_at = UTCDateTimeAttribute(null=True)
    first_accepted_at = UTCDateTimeAttribute(null=True)
    refunded_at = UTCDateTimeAttribute(null=True)
    last_answer = UnicodeAttribute(null=True)
    version = NumberAttribute()
    write_id = UnicodeAttribute()


class RefundQuotaRow(Model):
    """How many automatic refunds went out on a Beijing day, and how much money."""

    class Meta:
        table_name = "refund-quotas"

    day = UnicodeAttribute(hash_key=True)
    refunds = NumberAttribute()
    fen = NumberAttribute()


class UsedOnceRow(Model):
    """What may be used once, as a way through OAuth; kept until it would be refused anyway."""

    class Meta:
        table_name = "used-once"

    key = UnicodeAttribute(hash_key=True)
    expires = TTLAttribute()


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
