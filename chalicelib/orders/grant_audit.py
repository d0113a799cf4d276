"""The grant audit: whoever was paid for has the goods, whoever was paid back has them no more.

A message can be lost after its broker confirmed it, when its queue is deleted, and a subscriber
can be broken for hours. So each order that told its subscribers something is looked at until its
seller says that the goods have followed; until then its message is put into the outbox again.
Messages may come any number of times, so putting one again is always safe.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum

from chalicelib.clock import Clock
from chalicelib.deadline import Deadline
from chalicelib.errors import AppError, NotFound, StaleWrite
from chalicelib.mq.message import OutboxMessage
from chalicelib.orders.goods_messages import paid_message, revoked_message
from chalicelib.orders.grant_schedule import AuditSchedule
from chalicelib.orders.model import Order, OrderId, OrderStatus
from chalicelib.orders.ports import Change, DueAudit, OrderStore, Report
from chalicelib.purchasables import Purchasables, SaleStatus

_LEAST_SECONDS = 5
_UNFORESEEN_PAUSE = timedelta(minutes=5)


class Step(Enum):
    """What an audit did."""

    NOTHING_DUE = "the order was never paid: nobody is waiting for goods"
    FOLLOWED = "the goods have followed"
    EMITTED = "the goods have not followed: the message was put into the outbox again"
    IN_OUTBOX = "the goods have not followed: the message is still in the outbox"
    OVERTAKEN = "somebody else has changed the order meanwhile: nothing was done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What an audit found of one order. ``seller_says`` is None when no seller knows of it."""

    order: Order
    """As the audit left it, but for its version; of an overtaken one, as it was read."""
    expected: SaleStatus | None
    seller_says: SaleStatus | None
    step: Step


@dataclass(frozen=True, slots=True)
class Audited:
    """What one run did: orders looked at, goods that were missing, orders it failed at."""

    looked_at: int
    missing: int
    failed: int


class GrantAudit:
    """Asks the sellers whether goods have followed; each order by itself.

    Idempotent, and safe to be killed anywhere or to run twice at once: the message and the time
    of the next audit are written in one transaction, on condition of the version that was read.
    """

    def __init__(
        self,
        *,
        store: OrderStore,
        purchasables: Purchasables,
        clock: Clock,
        schedule: AuditSchedule,
        report: Report,
        on_missing: Callable[[Finding], None],
        on_unforeseen: Callable[[OrderId], None],
        gauge: Callable[[str, float], None],
        page: int,
    ) -> None:
        self._store = store
        self._purchasables = purchasables
        self._clock = clock
        self._schedule = schedule
        self._report = report
        self._on_missing = on_missing
        self._on_unforeseen = on_unforeseen
        self._gauge = gauge
        self._page = page

    def run(self, deadline: Deadline) -> Audited:
        """Audit all orders whose time has come, the longest due first, until ``deadline``.

        Each at most once. An order that it did not get to, or that it was killed at, is due at
        the next run; one that it cannot read or decide is put off and stops no other.

        Raises
        ------
        Unavailable
            The index did not answer; what is left is due at the next run.
        """
        looked_at = missing = failed = 0
        now, oldest = self._clock.now(), 0.0
        for due in self._store.due_audits(now, self._page):
            # of those that are not reached none is older
            oldest = max(oldest, (now - due.at).total_seconds())
            if deadline.remaining_seconds() < _LEAST_SECONDS:
                break
            looked_at += 1
            try:
                missing += self._audit_due(due)
            except Exception:  # noqa: BLE001  the orders after it shall be looked at as well
                failed += 1
                self._put_off(due)
        self._gauge("GrantAuditOldestSeconds", oldest)
        return Audited(looked_at, missing, failed)

    def audit(self, order_id: OrderId) -> Finding:
        """Audit one order now, whether it is due or not.

        Raises
        ------
        NotFound
            There is no such order.
        Unavailable
            The database did not answer; repeating is safe.
        """
        order = self._store.order(order_id)
        if order is None:
            raise NotFound("订单不存在", detail=f"order {order_id}")
        return self._audit(order)

    def _audit_due(self, due: DueAudit) -> bool:
        """Whether its goods were missing."""
        order = self._store.order(due.order_id)
        if order is None:
            # never by a lag: no order is ever deleted
            raise NotFound("订单不存在", detail=f"no order {due.order_id}, as the index has it")
        if order.next_audit_at is None:
            return False  # the index lags behind
        if order.next_audit_at > self._clock.now():
            return False
        return self._audit(order).step in (Step.EMITTED, Step.IN_OUTBOX)

    def _put_off(self, due: DueAudit) -> None:
        """By the index alone: an order that cannot be read shall not stand before the others."""
        self._on_unforeseen(due.order_id)
        self._report("GrantAuditsFailed")
        with suppress(AppError):  # counted already; it stays due
            later = self._clock.now() + _UNFORESEEN_PAUSE
            self._store.reschedule_audit(due.order_id, due.at, later)

    def _audit(self, order: Order) -> Finding:
        expected = _expected(order)
        goods = self._purchasables.get(order.out_business_id, order.order_type)
        says = goods.status if goods is not None else None
        if expected is None:
            after, step = self._done(order, Step.NOTHING_DUE)
        elif says is expected:
            after, step = self._done(order, Step.FOLLOWED)
        else:
            # before the write: who is killed after it has at least raised the alarm
            self._report_missing(expected)
            after, step = self._emit_again(order)
        finding = Finding(order=after, expected=expected, seller_says=says, step=step)
        if step in (Step.EMITTED, Step.IN_OUTBOX):
            self._on_missing(finding)
        return finding

    def _report_missing(self, expected: SaleStatus) -> None:
        if expected is SaleStatus.GRANTED:
            self._report("PaidNotGranted")
        else:
            self._report("RefundedNotRevoked")

    def _done(self, order: Order, step: Step) -> tuple[Order, Step]:
        after = replace(order, next_audit_at=None)
        return (after, step) if after == order or self._written(after) else (order, Step.OVERTAKEN)

    def _emit_again(self, order: Order) -> tuple[Order, Step]:
        """Message and time of the next audit together; only the time if the message is there.

        Without the message the second write rests on the order's version alone. When it holds, the
        first one failed by the outbox row, which waits for the broker, or for an operator.
        """
        now = self._clock.now()
        after = replace(
            order,
            next_audit_at=self._schedule.next_audit(order.audits + 1, now),
            audits=order.audits + 1,
        )
        message = self._message(order)
        if self._written(after, message):
            return after, Step.EMITTED
        if self._written(after):
            self._report("GrantAuditsInOutbox")
            return after, Step.IN_OUTBOX
        return order, Step.OVERTAKEN

    def _written(self, order: Order, *messages: OutboxMessage) -> bool:
        change = Change(write_id=secrets.token_hex(8), orders=(order,), messages=messages)
        try:
            self._store.commit(change)
        except StaleWrite:
            return False
        return True

    def _message(self, order: Order) -> OutboxMessage:
        """The message about the goods as they should be: never "paid" for a refunded order."""
        item, now = self._store.items(order.order_id)[0], self._clock.now()
        if _expected(order) is SaleStatus.TAKEN_BACK:
            number = order.revoked_by
            refund = self._store.refund(number) if number is not None else None
            assert refund is not None, f"{order.order_id}: no refund took its goods"
            return revoked_message(order, item, refund, now)
        number = order.paid_by_pay_no
        paying = self._store.pay_record(number) if number is not None else None
        assert paying is not None, f"{order.order_id}: no payment bought its goods"
        return paid_message(order, item, paying, now)


def _expected(order: Order) -> SaleStatus | None:
    """What the seller shall say of the goods; None: nothing, they were never paid for."""
    match order.status:
        case OrderStatus.UNPAID | OrderStatus.CLOSED:
            return None
        case OrderStatus.REFUNDED:
            return SaleStatus.TAKEN_BACK
        case OrderStatus.PAID | OrderStatus.COMPLETED:
            return SaleStatus.GRANTED if order.revoked_by is None else SaleStatus.TAKEN_BACK
