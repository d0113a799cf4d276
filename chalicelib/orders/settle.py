"""Settling: from a platform's verdict to the one change that follows. No I/O.

The verdict of a notify and of a query go the same way. What the platform says was paid is stored
whatever our order looks like: it buys the goods, or it is a surplus that is owed back (I1); and
it buys goods only for the full frozen price (I2). What it says went back is stored as well.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chalicelib.orders.attempts import closed_there, standing_for, withdrawn
from chalicelib.orders.claims import released
from chalicelib.orders.goods_messages import paid_message
from chalicelib.orders.model import (
    Order,
    OrderId,
    OrderItem,
    OrderStatus,
    PayRecord,
    PayStatus,
    Phase,
    Refund,
    SurplusReason,
)
from chalicelib.orders.ports import Change, GuardTake
from chalicelib.orders.refunds.money_back import (
    consequences_of_any,
    owed_fen,
    surplus_refund,
    told_back,
)
from chalicelib.orders.states import move_order, move_pay
from chalicelib.orders.verdict import (
    AlreadySettled,
    AttemptClosed,
    ClosedUnpaid,
    Contradiction,
    NothingToDo,
    NotThereYet,
    Paid,
    RefundSeen,
    Settled,
    Settlement,
    StillOpen,
    Surplus,
    Unknown,
    Verdict,
)

LATE_PAYMENT_GRACE = timedelta(minutes=2)
"""How long after ``expires_at`` a payment still re-opens a closed order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """All that was read about one attempt before deciding."""

    order: Order
    item: OrderItem
    record: PayRecord
    live: PayRecord
    """The attempt that the order offers; often ``record`` itself."""
    refunds: tuple[Refund, ...]
    """All refunds of the attempt."""
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
            if case.record.status in (PayStatus.PAID, PayStatus.REFUNDED):
                return _known_payment(case, verdict, now, write_id)
            return _new_payment(case, verdict, now, write_id)
        case ClosedUnpaid():
            return _closed_unpaid(case, write_id)
        case StillOpen() | NotThereYet():
            return NothingToDo("the platform has no result yet"), None
        case Unknown(reason):
            return NothingToDo(reason), None


def _new_payment(case: Case, paid: Paid, now: datetime, write_id: str) -> tuple[Settlement, Change]:
    record = replace(
        move_pay(case.record, PayStatus.PAID),
        channel_trade_no=paid.channel_trade_no,
        paid_fen=paid.amount_fen,
        paid_at=paid.paid_at,
        next_check_at=None,
    )
    record, refunds = told_back(record, case.refunds, paid.back_fen, now)
    if record.status is PayStatus.REFUNDED:
        # we first hear of a payment when all of it is back: nothing is owed, nothing is granted
        record = standing_for(case.order, record)
        return RefundSeen(), Change(write_id=write_id, pay_records=(record,), refunds=refunds)
    surplus = _why_it_buys_nothing(case, paid)
    if surplus is not None:
        record, owed = surplus_refund(standing_for(case.order, record), surplus, now)
        change = Change(write_id=write_id, pay_records=(record,), refunds=(*refunds, owed))
        return Surplus(surplus), change
    return Settled(), _buys_the_goods(case, record, refunds, now, write_id)


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
    case: Case,
    record: PayRecord,
    refunds: tuple[Refund, ...],
    now: datetime,
    write_id: str,
) -> Change:
    order = replace(
        move_order(released(case.order, Phase.NONE), OrderStatus.PAID),
        paid_by_pay_no=record.pay_no,
        paid_at=record.paid_at,
    )
    return Change(
        write_id=write_id,
        orders=(order,),
        pay_records=(record, *_withdrawn(case, now)),
        refunds=refunds,
        messages=(paid_message(order, case.item, record, now),),
        take_guard=GuardTake(
            out_business_id=order.out_business_id,
            order_id=order.order_id,
            replacing=order.order_id,
        ),
    )


def _withdrawn(case: Case, now: datetime) -> tuple[PayRecord, ...]:
    """The attempt on offer, when an earlier one has paid: nobody shall pay it as well (I3).

    It is closed at its platform by the next check, not here: settling calls nobody.
    """
    if case.live.pay_no == case.record.pay_no or case.live.status is not PayStatus.UNPAID:
        return ()
    live = withdrawn(case.live)
    return (live if live.still_payable_until is None else replace(live, next_check_at=now),)


def _known_payment(
    case: Case, paid: Paid, now: datetime, write_id: str
) -> tuple[Settlement, Change | None]:
    if paid.channel_trade_no != case.record.channel_trade_no:
        return Contradiction(f"paid by trade {case.record.channel_trade_no} before"), None
    record, refunds = told_back(case.record, case.refunds, paid.back_fen, now)
    if record == case.record and not refunds:
        return AlreadySettled(still_owed=owed_fen(case.refunds) > 0), None
    orders, messages = consequences_of_any(case.order, case.item, record, refunds, now)
    change = Change(
        write_id=write_id, orders=orders, pay_records=(record,), refunds=refunds, messages=messages
    )
    return RefundSeen(), change


def _closed_unpaid(case: Case, write_id: str) -> tuple[Settlement, Change | None]:
    match case.record.status:
        case PayStatus.UNPAID:
            record = closed_there(case.record)
        case PayStatus.CLOSED if case.record.next_check_at is not None:
            record = replace(case.record, still_payable_until=None, next_check_at=None)
        case PayStatus.CLOSED:
            return NothingToDo("closed before"), None
        case status:
            return Contradiction(f"the attempt is {status.name} here"), None
    record = standing_for(case.order, record)
    orders: tuple[Order, ...] = ()
    if record.next_check_at is not None and case.order.closing_because is None:
        orders = (released(case.order, Phase.NONE),)
    return AttemptClosed(), Change(write_id=write_id, pay_records=(record,), orders=orders)
