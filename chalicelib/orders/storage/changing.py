"""How a `Change` becomes one DynamoDB transaction, and how its failure is told."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from datetime import timedelta
from typing import Any

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib.dynamo import ConditionFailed, Dynamo, found_or_none
from chalicelib.errors import QuotaExhausted, StaleWrite
from chalicelib.mq.outbox import OutboxItem, put_in
from chalicelib.orders.model import Order, PayRecord, Refund
from chalicelib.orders.ports import Change, GuardTake, QuotaTake
from chalicelib.orders.storage import rows
from chalicelib.orders.storage.due import shard_of

_FIRST_ITEM = 1
_WRITTEN_APART = frozenset({"version", "queried_at"})


@dataclass(frozen=True, slots=True)
class ChangeWriter:
    """Writes changes to the bound tables of one deployment."""

    dynamo: Dynamo
    orders: type[rows.OrderRow]
    guards: type[rows.OrderGuardRow]
    items: type[rows.OrderItemRow]
    records: type[rows.PayRecordRow]
    trades: type[rows.ChannelTradeRow]
    refunds: type[rows.RefundRow]
    quotas: type[rows.RefundQuotaRow]
    outbox: type[OutboxItem]
    stream_owns: timedelta

    def write(self, change: Change) -> None:
        """Write all of ``change`` or nothing; one that is already there is left alone.

        Raises
        ------
        StaleWrite, QuotaExhausted, Unavailable
            As `chalicelib.orders.ports.OrderStore.commit`.
        """
        try:
            self.dynamo.transact(lambda transaction: self._add(transaction, change))
        except ConditionFailed as failed:
            # the answer to our own write may have been lost, and the write repeated below us
            if self._is_there(change):
                return
            # alone it says that everything else held
            if change.take_quota is not None and failed.failed == (_position_of_quota(change),):
                raise QuotaExhausted(detail=f"{change.take_quota.day}") from failed
            raise StaleWrite(detail=str(failed)) from failed

    def _add(self, transaction: TransactWrite, change: Change) -> None:
        if change.take_quota is not None:
            self._take_quota(transaction, change.take_quota)
        for order in change.orders:
            sharded = self._sharded(self.orders.audit_shard, order.order_id, order.next_audit_at)
            self._write_versioned(transaction, self.orders, order, change.write_id, sharded)
        for record in change.pay_records:
            sharded = self._sharded(self.records.check_shard, record.pay_no, record.next_check_at)
            self._write_versioned(transaction, self.records, record, change.write_id, sharded)
            if _has_trade(record):
                self._claim_trade(transaction, record)
        for number, item in enumerate(change.items, start=_FIRST_ITEM):
            transaction.save(self.items(item_no=number, **asdict(item)))
        for refund in change.refunds:
            sharded = self._sharded(self.refunds.try_shard, refund.pay_no, refund.next_try_at)
            self._write_versioned(transaction, self.refunds, refund, change.write_id, sharded)
        for message in change.messages:
            put_in(transaction, self.outbox, message, self.stream_owns)
        if change.take_guard is not None:
            self._take_guard(transaction, change.take_guard)

    @staticmethod
    def _sharded(shard: Any, number: str, due_at: object) -> Action:
        """A row without a time leaves the index by losing the other key as well."""
        action: Action = shard.remove() if due_at is None else shard.set(shard_of(number))
        return action

    def _write_versioned(
        self,
        transaction: TransactWrite,
        model: Any,
        thing: Order | PayRecord | Refund,
        write_id: str,
        *more: Action,
    ) -> None:
        """Set every attribute we know; one that newer code has added stays as it is."""
        key, *names = (field.name for field in fields(thing))
        values = {name: getattr(thing, name) for name in names if name not in _WRITTEN_APART}
        values |= {"version": thing.version + 1, "write_id": write_id}
        actions = [
            getattr(model, name).remove()
            if value is None
            else getattr(model, name).set(list(value) if isinstance(value, tuple) else value)
            for name, value in values.items()
        ]
        new = getattr(model, key).does_not_exist()
        unchanged = new if thing.version == 0 else model.version == thing.version
        transaction.update(
            model(getattr(thing, key)), actions=[*actions, *more], condition=unchanged
        )

    def _claim_trade(self, transaction: TransactWrite, record: PayRecord) -> None:
        key = f"{record.channel}#{record.channel_trade_no}"
        row = self.trades(channel_trade=key, pay_no=record.pay_no)
        free = self.trades.channel_trade.does_not_exist()
        transaction.save(row, condition=free | (self.trades.pay_no == record.pay_no))

    def _take_guard(self, transaction: TransactWrite, take: GuardTake) -> None:
        row = self.guards(out_business_id=take.out_business_id, order_id=take.order_id)
        allowed: Condition = self.guards.out_business_id.does_not_exist()
        if take.replacing is not None:
            allowed = allowed | (self.guards.order_id == take.replacing)
        transaction.save(row, condition=allowed)

    def _take_quota(self, transaction: TransactWrite, take: QuotaTake) -> None:
        row = self.quotas
        first = row.day.does_not_exist()
        room = (row.refunds < take.most_refunds) & (row.fen <= take.most_fen - take.amount_fen)
        fits = take.amount_fen <= take.most_fen and take.most_refunds > 0
        transaction.update(
            row(day=take.day.isoformat()),
            actions=[row.refunds.add(1), row.fen.add(take.amount_fen)],
            # what can never fit fails here as well, so that the answer is the same
            condition=(first | room) if fits else first & row.day.exists(),
        )

    def _is_there(self, change: Change) -> bool:
        if change.orders:
            stored: Any = found_or_none(self.orders, change.orders[0].order_id)
        elif change.pay_records:
            stored = found_or_none(self.records, change.pay_records[0].pay_no)
        else:
            stored = found_or_none(self.refunds, change.refunds[0].out_refund_no)
        return stored is not None and stored.write_id == change.write_id


def _has_trade(record: PayRecord) -> bool:
    return record.channel is not None and record.channel_trade_no is not None


def _position_of_quota(change: Change) -> int:
    """Where its action travels: the first update, and pynamodb sends what is put before those."""
    trades = sum(_has_trade(record) for record in change.pay_records)
    guards = change.take_guard is not None
    return trades + len(change.items) + len(change.messages) + guards
