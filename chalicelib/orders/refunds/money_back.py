"""The sums of the money that goes back (I1). No I/O.

Of a payment, in fen: paid = kept + refunded + owed. ``refunded`` are its refunds that are DONE,
``owed`` those that are OWED, SENT or MANUAL. ``reserved_fen`` of the pay record covers these and
the ones that still wait for approval, and is never more than was paid.

The platform may pay back without us, when somebody does it in the merchant portal. What it tells
of that is stored as an EXTERNAL refund, which first pays off what we owed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from chalicelib.money import NO_MONEY, Fen
from chalicelib.mq.message import OutboxMessage
from chalicelib.orders.goods_messages import revoked_message
from chalicelib.orders.model import (
    Order,
    OrderItem,
    OrderStatus,
    PayRecord,
    Refund,
    RefundKind,
    RefundStatus,
    SurplusReason,
)
from chalicelib.orders.refunds.sums import (
    OWED_STATES,
    counted,
    is_all_back,
    left_to_refund,
    made_room_for,
    sum_of,
    with_refund,
)
from chalicelib.orders.states import move_order

_SURPLUS_WORDS = {
    SurplusReason.WRONG_AMOUNT: "支付金额与订单不符，自动退款",
    SurplusReason.SECOND_PAYMENT: "重复支付，自动退款",
    SurplusReason.TOO_LATE: "订单已关闭，自动退款",
}
_EXTERNAL_WORDS = "商户平台退款"


def owed_fen(refunds: Iterable[Refund]) -> Fen:
    """What of these refunds is owed and not back yet."""
    return sum_of(refund for refund in refunds if refund.status in OWED_STATES)


def surplus_refund(
    record: PayRecord, reason: SurplusReason, now: datetime
) -> tuple[PayRecord, Refund]:
    """The refund of a payment that buys nothing: all that is not back already, owed at once."""
    amount = left_to_refund(record)
    refund = Refund(
        out_refund_no=f"{record.pay_no}_{reason}",
        pay_no=record.pay_no,
        order_id=record.order_id,
        kind=RefundKind.AUTOMATIC,
        amount_fen=amount,
        amount_asked_fen=amount,
        reason=_SURPLUS_WORDS[reason],
        revoke=False,
        status=RefundStatus.OWED,
        created_at=now,
        next_try_at=now,
    )
    return replace(with_refund(record, refund), surplus=reason), refund


def told_back(
    record: PayRecord, refunds: tuple[Refund, ...], told_fen: Fen, now: datetime
) -> tuple[PayRecord, tuple[Refund, ...]]:
    """What follows when the platform says that ``told_fen`` in all went back.

    While a refund of ours may be at the platform, any of that money may be its, so nothing but
    the sum is noted. Else what we cannot account for is an EXTERNAL refund. Idempotent.

    Returns
    -------
    tuple[PayRecord, tuple[Refund, ...]]
        The payment, and only those refunds that are new or changed, the new one first.
    """
    told = max(record.told_back_fen, min(told_fen, record.paid_fen or NO_MONEY))
    record = replace(record, told_back_fen=told)
    unexplained = Fen(told - record.refunded_fen)
    in_flight = any(refund.status is RefundStatus.SENT for refund in refunds)
    if unexplained <= 0 or in_flight:
        return record, ()
    refund = _external(record, f"{record.pay_no}_external_{told}", unexplained, now, now)
    return _paid_back_there(record, refunds, refund)


def external_refund(
    record: PayRecord,
    refunds: tuple[Refund, ...],
    channel_refund_no: str,
    amount_fen: Fen,
    refunded_at: datetime,
    now: datetime,
) -> tuple[PayRecord, tuple[Refund, ...]]:
    """What follows when the platform names a refund that is none of ours (WeChat).

    Idempotent by the platform's number. Returns as `told_back`.
    """
    digest = hashlib.sha256(channel_refund_no.encode()).hexdigest()[:12]
    number = f"{record.pay_no}_external_{digest}"
    amount = min(amount_fen, Fen((record.paid_fen or NO_MONEY) - record.refunded_fen))
    if number in record.refund_nos or amount <= 0:
        return record, ()
    refund = _external(record, number, amount, refunded_at, now)
    return _paid_back_there(record, refunds, refund)


def _external(
    record: PayRecord, number: str, amount_fen: Fen, refunded_at: datetime, now: datetime
) -> Refund:
    return Refund(
        out_refund_no=number,
        pay_no=record.pay_no,
        order_id=record.order_id,
        kind=RefundKind.EXTERNAL,
        amount_fen=amount_fen,
        amount_asked_fen=amount_fen,
        reason=_EXTERNAL_WORDS,
        revoke=False,
        status=RefundStatus.DONE,
        created_at=now,
        refunded_at=refunded_at,
    )


def _paid_back_there(
    record: PayRecord, refunds: tuple[Refund, ...], external: Refund
) -> tuple[PayRecord, tuple[Refund, ...]]:
    assert record.paid_fen is not None, f"{record.pay_no} was never paid"
    *rows, external = made_room_for(external, refunds, record.paid_fen)
    changed = tuple(after for before, after in zip(refunds, rows, strict=True) if before != after)
    return counted(with_refund(record, external), (*rows, external)), (external, *changed)


def consequences(
    order: Order, item: OrderItem, record: PayRecord, refund: Refund, now: datetime
) -> tuple[tuple[Order, ...], tuple[OutboxMessage, ...]]:
    """What a refund that the platform accepted or made means for the order and its goods.

    The order is REFUNDED when all of its payment is back. Its goods are revoked, once, by the
    first accepted refund that asks for it, at the latest when all is back. The refund of a
    payment that did not buy the goods means nothing for either.
    """
    accepted = refund.status is RefundStatus.DONE or (
        refund.status is RefundStatus.SENT and refund.accepted_at is not None
    )
    if order.paid_by_pay_no != record.pay_no or not accepted:
        return (), ()
    after = order
    messages: tuple[OutboxMessage, ...] = ()
    if is_all_back(record):
        after = move_order(after, OrderStatus.REFUNDED)
    if order.revoked_by is None and (refund.revoke or is_all_back(record)):
        after = replace(after, revoked_by=refund.out_refund_no)
        messages = (revoked_message(order, item, refund, now),)
    return () if after == order else (after,), messages


def consequences_of_any(
    order: Order, item: OrderItem, record: PayRecord, refunds: tuple[Refund, ...], now: datetime
) -> tuple[tuple[Order, ...], tuple[OutboxMessage, ...]]:
    """As `consequences`, of the first of ``refunds`` that has any: a second one adds nothing."""
    for refund in refunds:
        orders, messages = consequences(order, item, record, refund, now)
        if orders:
            return orders, messages
    return (), ()
