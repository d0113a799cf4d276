"""Which state may follow which, and why: the one list that code and docs/states.md are held to.

A state is changed by ``move_order``, ``move_pay`` or ``move_refund`` alone. A move that is not
listed here is a mistake in the code, never in what a platform or a user says.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Generic, TypeVar

from chalicelib.orders.model import (
    Order,
    OrderStatus,
    PayRecord,
    PayStatus,
    Refund,
    RefundStatus,
)

_Status = TypeVar("_Status", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Move(Generic[_Status]):
    """One step from a state to another, and what makes it, in the words of docs/states.md."""

    start: _Status
    to: _Status
    why: str


class UndeclaredMove(RuntimeError):
    """The code tried a step that no list has."""


ORDER_MOVES = (
    Move(OrderStatus.UNPAID, OrderStatus.PAID, "paid"),
    Move(OrderStatus.UNPAID, OrderStatus.CLOSED, "expired, cancelled or replaced"),
    Move(OrderStatus.CLOSED, OrderStatus.PAID, "paid in time, heard of late"),
    Move(OrderStatus.PAID, OrderStatus.REFUNDED, "the whole amount is back"),
)

PAY_MOVES = (
    Move(PayStatus.UNPAID, PayStatus.PAID, "paid"),
    Move(PayStatus.UNPAID, PayStatus.CLOSED, "closed, or no longer offered"),
    Move(PayStatus.CLOSED, PayStatus.PAID, "paid all the same"),
    Move(PayStatus.PAID, PayStatus.REFUNDED, "the whole amount is back"),
    Move(PayStatus.UNPAID, PayStatus.REFUNDED, "first heard of when all is back"),
    Move(PayStatus.CLOSED, PayStatus.REFUNDED, "first heard of when all is back"),
)

REFUND_MOVES = (
    Move(RefundStatus.AWAITING_APPROVAL, RefundStatus.OWED, "approved"),
    Move(RefundStatus.AWAITING_APPROVAL, RefundStatus.RELEASED, "turned down, or nothing is left"),
    Move(RefundStatus.OWED, RefundStatus.SENT, "asked for"),
    Move(RefundStatus.OWED, RefundStatus.DONE, "back, heard of late"),
    Move(RefundStatus.OWED, RefundStatus.MANUAL, "refused for good, heard of late"),
    Move(RefundStatus.OWED, RefundStatus.RELEASED, "paid back in the merchant portal"),
    Move(RefundStatus.SENT, RefundStatus.DONE, "back"),
    Move(RefundStatus.SENT, RefundStatus.OWED, "never arrived, refused for now, or closed there"),
    Move(RefundStatus.SENT, RefundStatus.MANUAL, "refused for good, or undeliverable"),
    Move(RefundStatus.SENT, RefundStatus.RELEASED, "the portal was faster, nothing is left"),
    Move(RefundStatus.MANUAL, RefundStatus.OWED, "the portal paid back a part; the rest is sent"),
    Move(RefundStatus.MANUAL, RefundStatus.DONE, "back after all"),
    Move(RefundStatus.MANUAL, RefundStatus.RELEASED, "paid back in the merchant portal"),
)


def check_move(moves: tuple[Move[_Status], ...], start: _Status, to: _Status, number: str) -> None:
    """Let only what is listed pass; staying where one is is no move.

    Raises
    ------
    UndeclaredMove
        ``moves`` has no such step.
    """
    if start is not to and not any(move.start is start and move.to is to for move in moves):
        raise UndeclaredMove(f"{number}: {start.name} to {to.name}")


def move_order(order: Order, to: OrderStatus) -> Order:
    """The order in the state ``to``."""
    check_move(ORDER_MOVES, order.status, to, order.order_id)
    return replace(order, status=to)


def move_pay(record: PayRecord, to: PayStatus) -> PayRecord:
    """The attempt in the state ``to``."""
    check_move(PAY_MOVES, record.status, to, record.pay_no)
    return replace(record, status=to)


def move_refund(refund: Refund, to: RefundStatus) -> Refund:
    """The refund in the state ``to``."""
    check_move(REFUND_MOVES, refund.status, to, refund.out_refund_no)
    return replace(refund, status=to)
