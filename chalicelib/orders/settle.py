"""Settling: from a platform's verdict to the one change that follows. No I/O.

The verdict of a notify and of a query go the same way. What the platform says was paid is stored
whatever our order looks like: it buys the goods, or it is a surplus that is owed back (I1); and
it buys goods only for the full frozen price (I2).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chalicelib.money import NO_MONEY, Fen
from chalicelib.mq.message import PayResult, paid_event
from chalicelib.orders.model import (
    AlreadySettled,
    AttemptClosed,
    ClosedUnpaid,
    Contradiction,
    NothingToDo,
    NotThereYet,
    Order,
    OrderId,
    OrderItem,
    OrderStatus,
    Paid,
    PayNo,
    PayRecord,
    PayStatus,
    Phase,
    Refund,
    RefundSeen,
    RefundStatus,
    Settled,
    Settlement,
    StillOpen,
    Surplus,
    SurplusReason,
    Unknown,
    Verdict,
)
from chalicelib.orders.ports import Change, GuardTake

LATE_PAYMENT_GRACE = timedelta(minutes=2)
"""How long after ``expires_at`` a payment still re-opens a closed order."""

STILL_PAYABLE_MARGIN = timedelta(minutes=5)
"""How long after its expiry a platform may still complete a payment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """All that was read about one attempt before deciding."""

    order: Order
    item: OrderItem
    record: PayRecord
    live: PayRecord
    """The attempt that the order offers; often ``record`` itself."""
    owed: Refund | None
    """The refund row of the attempt, when its payment is a surplus."""
    guarded_by: OrderId | None
    """The order that the guard of the business id names."""


def settle(
    case: Case, verdict: Verdict, now: datetime, write_id: str
) -> tuple[Settlement, Change | None]:
    """What a verdict means for an attempt and its order, and the change that makes it true.

    Deciding again after the change was written gives "already settled" or "nothing to do".
    """
    match verdict:
        case Paid():
            return _paid(case, verdict, now, write_id)
        case ClosedUnpaid():
            return _closed_unpaid(case, write_id)
        case StillOpen() | NotThereYet():
            return NothingToDo("the platform has no result yet"), None
        case Unknown(reason):
            return NothingToDo(reason), None


def _paid(case: Case, paid: Paid, now: datetime, write_id: str) -> tuple[Settlement, Change | None]:
    if case.record.status in (PayStatus.PAID, PayStatus.REFUNDED):
        return _known_payment(case, paid, write_id)
    record = replace(
        case.record,
        status=PayStatus.PAID,
        channel_trade_no=paid.channel_trade_no,
        paid_fen=paid.amount_fen,
        paid_at=paid.paid_at,
        refunded_fen=paid.refunded_fen,
    )
    if paid.refunded_fen >= paid.amount_fen:
        return _paid_and_given_back(record, write_id)
    surplus = _why_it_buys_nothing(case, paid)
    if surplus is not None:
        return _surplus(record, surplus, now, write_id)
    return _buys_the_goods(case, record, paid, now, write_id)


def _why_it_buys_nothing(case: Case, paid: Paid) -> SurplusReason | None:
    if paid.amount_fen != case.record.amount_fen or paid.amount_fen != case.order.total_fen:
        return SurplusReason.WRONG_AMOUNT
    superseded = case.guarded_by not in (None, case.order.order_id)
    if case.order.status is OrderStatus.UNPAID:
        return SurplusReason.SECOND_PAYMENT if superseded else None
    if case.order.status is OrderStatus.CLOSED:
        in_time = paid.paid_at <= case.order.expires_at + LATE_PAYMENT_GRACE
        return None if in_time and not superseded else SurplusReason.TOO_LATE
    return SurplusReason.SECOND_PAYMENT


def _buys_the_goods(
    case: Case, record: PayRecord, paid: Paid, now: datetime, write_id: str
) -> tuple[Settlement, Change]:
    order = replace(
        case.order,
        status=OrderStatus.PAID,
        phase=Phase.NONE,
        claim_token=None,
        claim_deadline=None,
        paid_by_pay_no=record.pay_no,
        paid_at=paid.paid_at,
    )
    message = paid_event(
        PayResult(
            message_id=record.pay_no,
            out_business_id=order.out_business_id,
            order_type=order.order_type,
            order_id=order.order_id,
            paid_at=paid.paid_at,
            valid_days=case.item.valid_days,
        ),
        created_at=now,
    )
    change = Change(
        write_id=write_id,
        orders=(order,),
        pay_records=(record, *_withdrawn(case)),
        messages=(message,),
        take_guard=GuardTake(
            out_business_id=order.out_business_id,
            order_id=order.order_id,
            replacing=order.order_id,
        ),
    )
    return Settled(), change


def _withdrawn(case: Case) -> tuple[PayRecord, ...]:
    """The attempt on offer, when an earlier one has paid: nobody shall pay it as well (I3)."""
    if case.live.pay_no == case.record.pay_no or case.live.status is not PayStatus.UNPAID:
        return ()
    return (withdrawn(case.live),)


def withdrawn(record: PayRecord) -> PayRecord:
    """An attempt that we no longer offer; one that was opened is watched while it is payable."""
    opened = record.opened_at is not None
    return replace(
        record,
        status=PayStatus.CLOSED,
        still_payable_until=record.expires_at + STILL_PAYABLE_MARGIN if opened else None,
    )


def _surplus(
    record: PayRecord, reason: SurplusReason, now: datetime, write_id: str
) -> tuple[Settlement, Change]:
    owed = Fen((record.paid_fen or 0) - record.refunded_fen)
    refund = Refund(
        out_refund_no=surplus_refund_no(record.pay_no, reason),
        pay_no=record.pay_no,
        order_id=record.order_id,
        amount_fen=owed,
        reason=reason,
        status=RefundStatus.OWED,
        created_at=now,
    )
    change = Change(
        write_id=write_id,
        pay_records=(replace(record, surplus=reason, reserved_fen=owed),),
        refunds=(refund,),
    )
    return Surplus(reason), change


def surplus_refund_no(pay_no: PayNo, reason: SurplusReason) -> str:
    """The number of an automatic refund: the same however often the surplus is found."""
    return f"{pay_no}_{reason}"


def _paid_and_given_back(record: PayRecord, write_id: str) -> tuple[Settlement, Change]:
    """We first hear of a payment when all of it is back: nothing is owed, nothing is granted."""
    given_back = replace(record, status=PayStatus.REFUNDED)
    return RefundSeen(), Change(write_id=write_id, pay_records=(given_back,))


def _known_payment(case: Case, paid: Paid, write_id: str) -> tuple[Settlement, Change | None]:
    record = case.record
    if paid.channel_trade_no != record.channel_trade_no:
        return Contradiction(f"paid by trade {record.channel_trade_no} before"), None
    if paid.refunded_fen <= record.refunded_fen:
        return AlreadySettled(still_owed=_is_owed(case.owed)), None
    all_back = paid.refunded_fen >= (record.paid_fen or NO_MONEY)
    record = replace(
        record,
        refunded_fen=paid.refunded_fen,
        status=PayStatus.REFUNDED if all_back else record.status,
    )
    orders: tuple[Order, ...] = ()
    if all_back and case.order.paid_by_pay_no == record.pay_no:
        orders = (replace(case.order, status=OrderStatus.REFUNDED),)
    return RefundSeen(), Change(
        write_id=write_id, pay_records=(record,), orders=orders, refunds=_less_owed(case, record)
    )


def _is_owed(refund: Refund | None) -> bool:
    return refund is not None and refund.status is RefundStatus.OWED


def _less_owed(case: Case, record: PayRecord) -> tuple[Refund, ...]:
    """What went back at the platform is no longer owed."""
    if case.owed is None:
        return ()
    left = Fen((record.paid_fen or NO_MONEY) - record.refunded_fen)
    status = case.owed.status if left else RefundStatus.DONE
    return (replace(case.owed, amount_fen=left, status=status),)


def _closed_unpaid(case: Case, write_id: str) -> tuple[Settlement, Change | None]:
    if case.record.status is not PayStatus.UNPAID:
        if case.record.status is PayStatus.CLOSED:
            return NothingToDo("closed before"), None
        return Contradiction(f"the attempt is {case.record.status.name} here"), None
    record = replace(case.record, status=PayStatus.CLOSED)
    orders: tuple[Order, ...] = ()
    if case.order.live_pay_no == record.pay_no and case.order.status is OrderStatus.UNPAID:
        orders = (replace(case.order, phase=Phase.NONE),)
    return AttemptClosed(), Change(write_id=write_id, pay_records=(record,), orders=orders)
