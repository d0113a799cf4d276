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
    """One step from a state to another; ``why`` is for docs/states.md, in Chinese."""

    start: _Status
    to: _Status
    why: str


class UndeclaredMove(RuntimeError):
    """The code tried a step that no list has."""


ORDER_MOVES = (
    Move(OrderStatus.UNPAID, OrderStatus.PAID, "支付成功"),
    Move(OrderStatus.UNPAID, OrderStatus.CLOSED, "超时、取消或商品变价"),
    Move(OrderStatus.CLOSED, OrderStatus.PAID, "关闭后收到按时完成的支付"),
    Move(OrderStatus.PAID, OrderStatus.REFUNDED, "全额退回"),
)

PAY_MOVES = (
    Move(PayStatus.UNPAID, PayStatus.PAID, "支付成功"),
    Move(PayStatus.UNPAID, PayStatus.CLOSED, "更换支付方式、订单关闭或平台关闭"),
    Move(PayStatus.CLOSED, PayStatus.PAID, "关闭后收到支付"),
    Move(PayStatus.PAID, PayStatus.REFUNDED, "全额退回"),
    Move(PayStatus.UNPAID, PayStatus.REFUNDED, "首次得知时已全额退回"),
    Move(PayStatus.CLOSED, PayStatus.REFUNDED, "首次得知时已全额退回"),
)

REFUND_MOVES = (
    Move(RefundStatus.AWAITING_APPROVAL, RefundStatus.OWED, "审批通过"),
    Move(RefundStatus.AWAITING_APPROVAL, RefundStatus.RELEASED, "驳回，或余额已由商户平台退回"),
    Move(RefundStatus.OWED, RefundStatus.SENT, "发往平台"),
    Move(RefundStatus.OWED, RefundStatus.DONE, "平台告知已退回"),
    Move(RefundStatus.OWED, RefundStatus.MANUAL, "平台告知无法退回"),
    Move(RefundStatus.OWED, RefundStatus.RELEASED, "已由商户平台退回"),
    Move(RefundStatus.SENT, RefundStatus.DONE, "退回成功"),
    Move(RefundStatus.SENT, RefundStatus.OWED, "平台没有收到、暂时拒绝或已关闭，需再次发送"),
    Move(RefundStatus.SENT, RefundStatus.MANUAL, "平台无法退回，需人工处理"),
    Move(RefundStatus.SENT, RefundStatus.RELEASED, "余额已由商户平台退回，此笔不可能成功"),
    Move(RefundStatus.MANUAL, RefundStatus.DONE, "人工处理后平台告知已退回"),
    Move(RefundStatus.MANUAL, RefundStatus.RELEASED, "已由商户平台退回"),
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
