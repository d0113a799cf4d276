"""In-memory stand-ins for what the order service needs of the world."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from chalicelib.deadline import Deadline
from chalicelib.errors import StaleWrite
from chalicelib.mq.message import OutboxMessage
from chalicelib.orders.model import (
    Order,
    OrderId,
    OrderItem,
    PayNo,
    PayRecord,
    Refund,
    TradeType,
    Verdict,
)
from chalicelib.orders.ports import Change, Form, Notify, NotifyEntry, Opening, Return
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
        self.refunds: dict[str, Refund] = {}
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

    def refund(self, out_refund_no: str) -> Refund | None:
        return self.refunds.get(out_refund_no)

    def guarded_order_id(self, out_business_id: str) -> OrderId | None:
        return self.guards.get(out_business_id)

    def commit(self, change: Change) -> None:
        self.before_commit()
        with self._lock:
            if self._is_there(change):
                return
            if not self._holds(change):
                raise StaleWrite
            self._write(change)

    def _is_there(self, change: Change) -> bool:
        key = change.orders[0].order_id if change.orders else change.pay_records[0].pay_no
        return self.write_ids.get(key) == change.write_id

    def _holds(self, change: Change) -> bool:
        guard = change.take_guard
        held_by = self.guards.get(guard.out_business_id) if guard else None
        return all(
            (
                all(_version(self.orders.get(o.order_id)) == o.version for o in change.orders),
                all(_version(self.records.get(r.pay_no)) == r.version for r in change.pay_records),
                all(self._trade_is_free(record) for record in change.pay_records),
                all(
                    _version(self.refunds.get(r.out_refund_no)) == r.version for r in change.refunds
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
            self.records[record.pay_no] = replace(record, version=record.version + 1)
            self.write_ids[record.pay_no] = change.write_id
            key = _trade(record)
            if key is not None:
                self.trades[key] = record.pay_no
        if change.items:
            self.order_items[change.items[0].order_id] = change.items
        for refund in change.refunds:
            self.refunds[refund.out_refund_no] = replace(refund, version=refund.version + 1)
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

    def log_notify(self, entry: NotifyEntry) -> None:
        self.notifies.setdefault((entry.pay_no, entry.notify_id), entry)


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


@dataclass
class FakeChannel:
    """A platform that says what a test tells it to say, and remembers that it was asked."""

    verdict: Verdict | Exception | None = None
    notify: Notify | Exception | None = None
    asked: list[PayNo] = field(default_factory=list)
    frozen: list[PayNo] = field(default_factory=list)

    def freeze(self, record: PayRecord, now: datetime) -> Opening:
        self.frozen.append(record.pay_no)
        return Opening(
            trade_type=TradeType.ALI_WAP,
            app_id="app",
            merchant_id="seller",
            request=f"out_trade_no={record.pay_no}&at={now.timestamp()}",
        )

    def present(self, record: PayRecord) -> Form:
        return Form(action="https://platform.example/pay", fields=(("q", record.request or ""),))

    def query(self, record: PayRecord, deadline: Deadline) -> Verdict:
        self.asked.append(record.pay_no)
        assert self.verdict is not None
        if isinstance(self.verdict, Exception):
            raise self.verdict
        return self.verdict

    def parse_notify(self, headers: Mapping[str, str], raw_body: bytes) -> Notify:
        assert self.notify is not None
        if isinstance(self.notify, Exception):
            raise self.notify
        return self.notify

    def parse_return(self, query: Mapping[str, str]) -> Return:
        raise NotImplementedError
