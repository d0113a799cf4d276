"""In-memory stand-ins for what the order service needs of the world."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from datetime import date, datetime

from chalicelib.errors import InvalidRequest, QuotaExhausted, StaleWrite
from chalicelib.mq.message import OutboxMessage
from chalicelib.orders.model import (
    Order,
    OrderId,
    OrderItem,
    OrderStatus,
    PayNo,
    PayRecord,
    Refund,
)
from chalicelib.orders.ports import Change, DueAudit, DueCheck, NotifyEntry, OrderPage, QuotaTake
from chalicelib.purchasables import OrderType, Purchasable


class FakeOrderStore:
    """Implements `chalicelib.orders.ports.OrderStore`; held to it by the contract tests.

    ``before_commit`` runs in front of each commit: a test lets another writer win there.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self.orders: dict[OrderId, Order] = {}
        self.order_items: dict[OrderId, tuple[OrderItem, ...]] = {}
        self.records: dict[PayNo, PayRecord] = {}
        self.guards: dict[str, OrderId] = {}
        self.trades: dict[tuple[str, str], PayNo] = {}
        self.refund_rows: dict[str, Refund] = {}
        self.used: dict[str, datetime] = {}
        self.quotas: dict[date, tuple[int, int]] = {}
        self.outbox: dict[str, OutboxMessage] = {}
        self.notifies: dict[tuple[PayNo | None, str], NotifyEntry] = {}
        self.write_ids: dict[str, str] = {}
        self.before_commit: Callable[[], None] = lambda: None

    def order(self, order_id: OrderId) -> Order | None:
        return self.orders.get(order_id)

    def items(self, order_id: OrderId) -> tuple[OrderItem, ...]:
        return self.order_items.get(order_id, ())

    def pay_record(self, pay_no: PayNo) -> PayRecord | None:
        return self.records.get(pay_no)

    def pay_records(self, pay_nos: Collection[PayNo]) -> tuple[PayRecord, ...]:
        return tuple(self.records[number] for number in pay_nos if number in self.records)

    def refund(self, out_refund_no: str) -> Refund | None:
        return self.refund_rows.get(out_refund_no)

    def refunds(self, out_refund_nos: Collection[str]) -> tuple[Refund, ...]:
        return tuple(self.refund_rows[n] for n in out_refund_nos if n in self.refund_rows)

    def orders_of(
        self, user_id: str, *, status: OrderStatus | None, size: int, page_token: str | None
    ) -> OrderPage:
        mine = [
            order
            for order in sorted(self.orders.values(), key=lambda o: o.created_at, reverse=True)
            if order.user_id == user_id and status in (None, order.status)
        ]
        if page_token is not None:
            owner, _, after = page_token.partition("/")
            if owner != user_id or not after.isdigit():
                raise InvalidRequest
            mine = mine[int(after) :]
        start = 0 if page_token is None else int(page_token.partition("/")[2])
        more = f"{user_id}/{start + size}" if len(mine) > size else None
        return OrderPage(orders=tuple(mine[:size]), next_token=more)

    def due_checks(self, now: datetime, most: int) -> tuple[DueCheck, ...]:
        due = [
            (record.next_check_at, record.pay_no)
            for record in self.records.values()
            if record.next_check_at is not None and record.next_check_at <= now
        ]
        return tuple(DueCheck(pay_no, at) for at, pay_no in sorted(due)[:most])

    def due_refunds(self, now: datetime, most: int) -> tuple[str, ...]:
        due = [
            (refund.next_try_at, refund.out_refund_no)
            for refund in self.refund_rows.values()
            if refund.next_try_at is not None and refund.next_try_at <= now
        ]
        return tuple(number for _, number in sorted(due)[:most])

    def due_audits(self, now: datetime, page: int) -> Iterator[DueAudit]:
        due = [
            (order.next_audit_at, order.order_id)
            for order in self.orders.values()
            if order.next_audit_at is not None and order.next_audit_at <= now
        ]
        return iter([DueAudit(order_id, at) for at, order_id in sorted(due)])

    def reschedule_audit(self, order_id: OrderId, was: datetime, to: datetime) -> None:
        with self._lock:
            order = self.orders[order_id]
            if order.next_audit_at == was:
                self.orders[order_id] = replace(order, next_audit_at=to)

    def reschedule_check(self, pay_no: PayNo, was: datetime, to: datetime | None) -> None:
        with self._lock:
            record = self.records[pay_no]
            if record.next_check_at == was:
                self.records[pay_no] = replace(record, next_check_at=to)

    def guarded_order_id(self, out_business_id: str) -> OrderId | None:
        return self.guards.get(out_business_id)

    def commit(self, change: Change) -> None:
        self.before_commit()
        with self._lock:
            if self._is_there(change):
                return
            if not self._holds(change):
                raise StaleWrite
            if change.take_quota is not None:
                self._take_quota(change.take_quota)
            self._write(change)

    def _is_there(self, change: Change) -> bool:
        things = (*change.orders, *change.pay_records, *change.refunds)
        return self.write_ids.get(_key(things[0])) == change.write_id

    def _take_quota(self, take: QuotaTake) -> None:
        refunds, fen = self.quotas.get(take.day, (0, 0))
        if refunds + 1 > take.most_refunds or fen + take.amount_fen > take.most_fen:
            raise QuotaExhausted
        self.quotas[take.day] = (refunds + 1, fen + take.amount_fen)

    def _holds(self, change: Change) -> bool:
        guard = change.take_guard
        held_by = self.guards.get(guard.out_business_id) if guard else None
        return all(
            (
                all(_version(self.orders.get(o.order_id)) == o.version for o in change.orders),
                all(_version(self.records.get(r.pay_no)) == r.version for r in change.pay_records),
                all(self._trade_is_free(record) for record in change.pay_records),
                all(
                    _version(self.refund_rows.get(r.out_refund_no)) == r.version
                    for r in change.refunds
                ),
                all(m.event_key not in self.outbox for m in change.messages),
                guard is None or held_by in (None, guard.replacing),
            )
        )

    def _trade_is_free(self, record: PayRecord) -> bool:
        key = _trade(record)
        return key is None or self.trades.get(key, record.pay_no) == record.pay_no

    def _write(self, change: Change) -> None:
        for order in change.orders:
            self.orders[order.order_id] = replace(order, version=order.version + 1)
            self.write_ids[order.order_id] = change.write_id
        for record in change.pay_records:
            before = self.records.get(record.pay_no)
            asked_at = before.queried_at if before is not None else None
            after = replace(record, version=record.version + 1, queried_at=asked_at)
            self.records[record.pay_no] = after
            self.write_ids[record.pay_no] = change.write_id
            key = _trade(record)
            if key is not None:
                self.trades[key] = record.pay_no
        if change.items:
            self.order_items[change.items[0].order_id] = change.items
        for refund in change.refunds:
            self.refund_rows[refund.out_refund_no] = replace(refund, version=refund.version + 1)
            self.write_ids[refund.out_refund_no] = change.write_id
        self.outbox.update({message.event_key: message for message in change.messages})
        if change.take_guard is not None:
            self.guards[change.take_guard.out_business_id] = change.take_guard.order_id

    def claim_query(self, pay_no: PayNo, now: datetime, not_since: datetime) -> bool:
        with self._lock:
            record = self.records.get(pay_no)
            if record is None or (record.queried_at is not None and record.queried_at > not_since):
                return False
            self.records[pay_no] = replace(record, queried_at=now)
            return True

    def use_once(self, key: str, until: datetime, now: datetime) -> bool:
        with self._lock:
            if self.used.get(key, now) > now:
                return False
            self.used[key] = until
            return True

    def notifies_of(self, pay_no: PayNo) -> tuple[NotifyEntry, ...]:
        mine = [entry for (number, _), entry in self.notifies.items() if number == pay_no]
        return tuple(sorted(mine, key=lambda entry: entry.received_at))

    def log_notify(self, entry: NotifyEntry) -> None:
        self.notifies.setdefault((entry.pay_no, entry.notify_id), entry)


def _key(thing: Order | PayRecord | Refund) -> str:
    match thing:
        case Order():
            return thing.order_id
        case PayRecord():
            return thing.pay_no
        case Refund():
            return thing.out_refund_no


def _version(thing: Order | PayRecord | Refund | None) -> int:
    return thing.version if thing is not None else 0


def _trade(record: PayRecord) -> tuple[str, str] | None:
    if record.channel is None or record.channel_trade_no is None:
        return None
    return (record.channel, record.channel_trade_no)


class FakePurchasables:
    """A seller whose records a test puts in place."""

    def __init__(self, *goods: Purchasable) -> None:
        self.goods = {(thing.out_business_id, thing.order_type): thing for thing in goods}

    def put(self, goods: Purchasable) -> None:
        self.goods[(goods.out_business_id, goods.order_type)] = goods

    def get(self, out_business_id: str, order_type: OrderType) -> Purchasable | None:
        return self.goods.get((out_business_id, order_type))
