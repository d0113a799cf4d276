"""`OrderStore` on DynamoDB: every change is one conditional transaction."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import TypeVar

from pynamodb.exceptions import AttributeDeserializationError
from pynamodb.expressions.update import Action
from pynamodb.models import Model

from chalicelib.dynamo import ConditionFailed, Dynamo, found_or_none, repeating, understood
from chalicelib.mq.outbox import OutboxItem
from chalicelib.orders.model import (
    Order,
    OrderId,
    OrderItem,
    OrderStatus,
    PayNo,
    PayRecord,
    Refund,
    is_pay_no,
)
from chalicelib.orders.ports import Change, DueAudit, DueCheck, NotifyEntry, OrderPage
from chalicelib.orders.storage import due, reading, rows
from chalicelib.orders.storage.changing import ChangeWriter
from chalicelib.orders.storage.paging import orders_of

_Row = TypeVar("_Row", bound=Model)
_T = TypeVar("_T")


class DynamoOrderStore:
    """Orders, items, pay records, refunds, the order guard and the notify log.

    Parameters
    ----------
    dynamo : Dynamo
        The deployment's tables.
    rejected_ttl_days : int
        How long the evidence of an unverified notification is kept.
    stream_owns : timedelta
        How long the outbox's stream has a new message for itself.
    """

    def __init__(
        self,
        dynamo: Dynamo,
        rejected_ttl_days: int,
        stream_owns: timedelta = timedelta(seconds=60),
    ) -> None:
        self._rejected_ttl = timedelta(days=rejected_ttl_days)
        self._orders = dynamo.bind(rows.OrderRow)
        self._guards = dynamo.bind(rows.OrderGuardRow)
        self._items = dynamo.bind(rows.OrderItemRow)
        self._records = dynamo.bind(rows.PayRecordRow)
        self._refunds = dynamo.bind(rows.RefundRow)
        self._notifies = dynamo.bind(rows.NotifyRow)
        self._used = dynamo.bind(rows.UsedOnceRow)
        self._writer = ChangeWriter(
            dynamo,
            orders=self._orders,
            guards=self._guards,
            items=self._items,
            records=self._records,
            trades=dynamo.bind(rows.ChannelTradeRow),
            refunds=self._refunds,
            quotas=dynamo.bind(rows.RefundQuotaRow),
            outbox=dynamo.bind(OutboxItem),
            stream_owns=stream_owns,
        )

    def order(self, order_id: OrderId) -> Order | None:
        """One order; None also for a text that cannot be the number of one."""
        if not is_pay_no(order_id):
            return None
        return _read(self._orders, order_id, reading.to_order)

    def items(self, order_id: OrderId) -> tuple[OrderItem, ...]:
        """The goods of an order."""
        found = repeating(lambda: list(self._items.query(order_id, consistent_read=True)))
        return tuple(understood(reading.to_item, row) for row in found)

    def pay_record(self, pay_no: PayNo) -> PayRecord | None:
        """One attempt; None also for a text that cannot be the number of one."""
        if not is_pay_no(pay_no):
            return None
        return _read(self._records, pay_no, reading.to_pay_record)

    def pay_records(self, pay_nos: Collection[PayNo]) -> tuple[PayRecord, ...]:
        """Those attempts that exist, by consistent reads."""
        if not pay_nos:
            return ()
        found = repeating(
            lambda: list(
                self._records.batch_get(list(dict.fromkeys(pay_nos)), consistent_read=True)
            )
        )
        by_no = {row.pay_no: row for row in found}
        return tuple(understood(reading.to_pay_record, by_no[n]) for n in pay_nos if n in by_no)

    def refund(self, out_refund_no: str) -> Refund | None:
        """One refund."""
        return _read(self._refunds, out_refund_no, reading.to_refund)

    def refunds(self, out_refund_nos: Collection[str]) -> tuple[Refund, ...]:
        """Those refunds that exist, by consistent reads."""
        if not out_refund_nos:
            return ()
        wanted = list(dict.fromkeys(out_refund_nos))
        found = repeating(lambda: list(self._refunds.batch_get(wanted, consistent_read=True)))
        by_no = {row.out_refund_no: row for row in found}
        return tuple(understood(reading.to_refund, by_no[n]) for n in out_refund_nos if n in by_no)

    def orders_of(
        self, user_id: str, *, status: OrderStatus | None, size: int, page_token: str | None
    ) -> OrderPage:
        """A page of a user's orders, newest first, by the index."""
        return orders_of(self._orders, user_id, status=status, size=size, page_token=page_token)

    def due_checks(self, now: datetime, most: int) -> tuple[DueCheck, ...]:
        """Attempts whose next check has come, by the index."""
        entries = islice(due.checks(self._records, now, most), most)
        return tuple(DueCheck(PayNo(entry.number), entry.at) for entry in entries)

    def due_refunds(self, now: datetime, most: int) -> tuple[str, ...]:
        """Refunds whose next try has come, by the index."""
        return tuple(e.number for e in islice(due.refunds(self._refunds, now, most), most))

    def due_audits(self, now: datetime, page: int) -> Iterator[DueAudit]:
        """Orders whose next audit has come, by the index, a page of each shard at a time."""
        for entry in due.audits(self._orders, now, page):
            yield DueAudit(OrderId(entry.number), entry.at)

    def guarded_order_id(self, out_business_id: str) -> OrderId | None:
        """The newest order of a business id."""
        row = found_or_none(self._guards, out_business_id)
        return OrderId(row.order_id) if row is not None else None

    def commit(self, change: Change) -> None:
        """Write a change in one transaction; a change that is already there is left alone."""
        self._writer.write(change)

    def claim_query(self, pay_no: PayNo, now: datetime, not_since: datetime) -> bool:
        """Note that the platform is asked now, unless somebody did after ``not_since``."""
        asked = self._records.queried_at
        try:
            repeating(
                lambda: self._records(pay_no).update(
                    actions=[asked.set(now)],
                    condition=self._records.pay_no.exists()
                    & (asked.does_not_exist() | (asked <= not_since)),
                )
            )
        except ConditionFailed:
            return False
        return True

    def use_once(self, key: str, until: datetime, now: datetime) -> bool:
        """Whether nobody has used ``key`` before; the first answer of a repeated write is lost."""
        model = self._used
        unused = model.key.does_not_exist() | (model.expires <= now)
        try:
            repeating(lambda: model(key=key, expires=until).save(condition=unused))
        except ConditionFailed:
            return False
        return True

    def reschedule_check(self, pay_no: PayNo, was: datetime, to: datetime | None) -> None:
        """Move one attempt within the index, or out of it."""
        model = self._records
        actions: list[Action] = (
            [model.next_check_at.remove(), model.check_shard.remove()]
            if to is None
            else [model.next_check_at.set(to)]
        )
        try:
            repeating(
                lambda: model(pay_no).update(actions=actions, condition=model.next_check_at == was)
            )
        except ConditionFailed:
            return  # somebody else moved it, or our own write was repeated below us

    def reschedule_audit(self, order_id: OrderId, was: datetime, to: datetime) -> None:
        """Move one order within the index; it gets no new version by that."""
        model = self._orders
        at = model.next_audit_at
        try:
            repeating(lambda: model(order_id).update(actions=[at.set(to)], condition=at == was))
        except ConditionFailed:
            return  # somebody else moved it, or our own write was repeated below us

    def notifies_of(self, pay_no: PayNo) -> tuple[NotifyEntry, ...]:
        """The verified notifications of an attempt, by when they first came."""
        found = repeating(lambda: list(self._notifies.query(pay_no, consistent_read=True)))
        entries = (understood(reading.to_notify_entry, row) for row in found)
        return tuple(sorted(entries, key=lambda entry: entry.received_at))

    def log_notify(self, entry: NotifyEntry) -> None:
        """Keep the evidence; of a repeated notification the first outcome stays."""
        model = self._notifies
        unplaced = f"{'unplaced' if entry.verified else 'rejected'}#{entry.notify_id}"
        row = model(entry.pay_no or unplaced, entry.notify_id)
        actions: list[Action] = [
            model.channel.set(entry.channel),
            model.received_at.set(model.received_at | entry.received_at),
            model.last_received_at.set(entry.received_at),
            model.outcome.set(model.outcome | entry.outcome),
            model.body.set(model.body | entry.body),
            model.times.add(1),
        ]
        if not entry.verified:
            actions.append(model.expires.set(entry.received_at + self._rejected_ttl))
        repeating(lambda: row.update(actions=actions))


def _read(model: type[_Row], number: str, meaning: Callable[[_Row], _T]) -> _T | None:
    """What one row means, by a consistent read; None without one.

    A row that the model cannot read is no better than one with a code that we do not know.
    """

    def found(number: str) -> _T | None:
        try:
            row = found_or_none(model, number)
        except AttributeDeserializationError as error:
            raise ValueError(str(error)) from error
        return meaning(row) if row is not None else None

    return understood(found, number)
