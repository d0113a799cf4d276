"""`OrderStore` on DynamoDB: every change is one conditional transaction."""

from __future__ import annotations

from dataclasses import asdict, fields
from datetime import datetime, timedelta
from typing import Any

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib.dynamo import ConditionFailed, Dynamo, found_or_none, repeating, understood
from chalicelib.errors import StaleWrite
from chalicelib.mq.outbox import OutboxItem, put_in
from chalicelib.orders import rows
from chalicelib.orders.model import (
    Order,
    OrderId,
    OrderItem,
    PayNo,
    PayRecord,
    Refund,
    is_pay_no,
)
from chalicelib.orders.ports import Change, GuardTake, NotifyEntry

_FIRST_ITEM = 1
_WRITTEN_APART = frozenset({"version", "queried_at"})


class DynamoOrderStore:
    """Orders, items, pay records, refunds, the order guard and the notify log.

    Parameters
    ----------
    dynamo : Dynamo
        The deployment's tables.
    rejected_ttl_days : int
        How long the evidence of an unverified notification is kept.
    """

    def __init__(self, dynamo: Dynamo, rejected_ttl_days: int) -> None:
        self._dynamo = dynamo
        self._rejected_ttl = timedelta(days=rejected_ttl_days)
        self._orders = dynamo.bind(rows.OrderRow)
        self._guards = dynamo.bind(rows.OrderGuardRow)
        self._items = dynamo.bind(rows.OrderItemRow)
        self._records = dynamo.bind(rows.PayRecordRow)
        self._trades = dynamo.bind(rows.ChannelTradeRow)
        self._refunds = dynamo.bind(rows.RefundRow)
        self._notifies = dynamo.bind(rows.NotifyRow)
        self._outbox = dynamo.bind(OutboxItem)

    def order(self, order_id: OrderId) -> Order | None:
        """One order."""
        row = found_or_none(self._orders, order_id)
        return understood(rows.to_order, row) if row is not None else None

    def items(self, order_id: OrderId) -> tuple[OrderItem, ...]:
        """The goods of an order."""
        found = repeating(lambda: list(self._items.query(order_id, consistent_read=True)))
        return tuple(understood(rows.to_item, row) for row in found)

    def pay_record(self, pay_no: PayNo) -> PayRecord | None:
        """One attempt; None also for a text that cannot be the number of one."""
        if not is_pay_no(pay_no):
            return None
        row = found_or_none(self._records, pay_no)
        return understood(rows.to_pay_record, row) if row is not None else None

    def refund(self, out_refund_no: str) -> Refund | None:
        """One refund."""
        row = found_or_none(self._refunds, out_refund_no)
        return understood(rows.to_refund, row) if row is not None else None

    def guarded_order_id(self, out_business_id: str) -> OrderId | None:
        """The newest order of a business id."""
        row = found_or_none(self._guards, out_business_id)
        return OrderId(row.order_id) if row is not None else None

    def commit(self, change: Change) -> None:
        """Write a change in one transaction; a change that is already there is left alone."""
        try:
            self._dynamo.transact(lambda transaction: self._add(transaction, change))
        except ConditionFailed as failed:
            # the answer to our own write may have been lost, and the write repeated below us
            if not self._is_there(change):
                raise StaleWrite(detail=str(failed)) from failed

    def _add(self, transaction: TransactWrite, change: Change) -> None:
        for order in change.orders:
            self._write_versioned(transaction, self._orders, order, change.write_id)
        for record in change.pay_records:
            self._write_versioned(transaction, self._records, record, change.write_id)
            if record.channel is not None and record.channel_trade_no is not None:
                self._claim_trade(transaction, record)
        for number, item in enumerate(change.items, start=_FIRST_ITEM):
            transaction.save(self._items(item_no=number, **asdict(item)))
        for refund in change.refunds:
            self._write_versioned(transaction, self._refunds, refund, change.write_id)
        for message in change.messages:
            put_in(transaction, self._outbox, message)
        if change.take_guard is not None:
            self._take_guard(transaction, change.take_guard)

    def _write_versioned(
        self,
        transaction: TransactWrite,
        model: Any,
        thing: Order | PayRecord | Refund,
        write_id: str,
    ) -> None:
        """Set every attribute we know; one that newer code has added stays as it is."""
        key, *names = (field.name for field in fields(thing))
        values = {name: getattr(thing, name) for name in names if name not in _WRITTEN_APART}
        values |= {"version": thing.version + 1, "write_id": write_id}
        actions = [
            getattr(model, name).remove() if value is None else getattr(model, name).set(value)
            for name, value in values.items()
        ]
        new = getattr(model, key).does_not_exist()
        unchanged = new if thing.version == 0 else model.version == thing.version
        transaction.update(model(getattr(thing, key)), actions=actions, condition=unchanged)

    def _claim_trade(self, transaction: TransactWrite, record: PayRecord) -> None:
        key = f"{record.channel}#{record.channel_trade_no}"
        row = self._trades(channel_trade=key, pay_no=record.pay_no)
        free = self._trades.channel_trade.does_not_exist()
        transaction.save(row, condition=free | (self._trades.pay_no == record.pay_no))

    def _take_guard(self, transaction: TransactWrite, take: GuardTake) -> None:
        row = self._guards(out_business_id=take.out_business_id, order_id=take.order_id)
        allowed: Condition = self._guards.out_business_id.does_not_exist()
        if take.replacing is not None:
            allowed = allowed | (self._guards.order_id == take.replacing)
        transaction.save(row, condition=allowed)

    def _is_there(self, change: Change) -> bool:
        if change.orders:
            stored: Any = found_or_none(self._orders, change.orders[0].order_id)
        else:
            stored = found_or_none(self._records, change.pay_records[0].pay_no)
        return stored is not None and stored.write_id == change.write_id

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
