"""One order whose goods somebody looks for: where the tests of the grant audit begin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from chalicelib.deadline import Deadline
from chalicelib.money import Fen
from chalicelib.orders.goods_messages import paid_message, revoked_message
from chalicelib.orders.grant_audit import Audited, Finding, GrantAudit
from chalicelib.orders.grant_schedule import AuditSchedule
from chalicelib.orders.model import (
    Order,
    OrderId,
    OrderStatus,
    Refund,
    RefundKind,
    RefundStatus,
)
from chalicelib.orders.ports import Change
from chalicelib.purchasables import SaleStatus
from tests.fakes.clock import START, FakeClock
from tests.fakes.orders import FakeOrderStore, FakePurchasables
from tests.unit.orders.refunding import (
    ORDER_ID,
    PRICE,
    a_paid_order,
    a_paid_record,
    an_item,
)
from tests.unit.orders.shop import COURSE

MINUTE = timedelta(minutes=1)
PAUSES = (5 * MINUTE, 10 * MINUTE, 60 * MINUTE)
REFUND = Refund(
    out_refund_no=f"{a_paid_record().pay_no}_k1",
    pay_no=a_paid_record().pay_no,
    order_id=ORDER_ID,
    kind=RefundKind.ON_DEMAND,
    amount_fen=Fen(PRICE),
    amount_asked_fen=Fen(PRICE),
    reason="学员申请",
    revoke=True,
    status=RefundStatus.DONE,
    created_at=START,
    sent_at=START,
    refunded_at=START,
)
PAID_MESSAGE = paid_message(a_paid_order(), an_item(), a_paid_record(), START)
REVOKED_MESSAGE = revoked_message(a_paid_order(), an_item(), REFUND, START)
PAID_KEY, REVOKED_KEY = PAID_MESSAGE.event_key, REVOKED_MESSAGE.event_key


class Auditing:
    """A paid order that is due, with its refund beside it; the seller knows nothing of either."""

    def __init__(self, **order: Any) -> None:
        self.clock = FakeClock()
        self.store = FakeOrderStore()
        self.sellers = FakePurchasables()
        self.reports: list[str] = []
        self.gauges: list[tuple[str, float]] = []
        self.missing: list[Finding] = []
        self.unforeseen: list[OrderId] = []
        self.put(a_paid_order(**{"next_audit_at": self.clock.now(), **order}))
        self.store.commit(Change(write_id="refund", refunds=(REFUND,)))
        self.audit = self.another()

    def another(self, store: Any = None, sellers: Any = None) -> GrantAudit:
        """The job in one more container."""
        return GrantAudit(
            store=store or self.store,
            purchasables=sellers or self.sellers,
            clock=self.clock,
            schedule=AuditSchedule(pauses=PAUSES),
            report=self.reports.append,
            on_missing=self.missing.append,
            on_unforeseen=self.unforeseen.append,
            gauge=lambda name, value: self.gauges.append((name, value)),
            page=100,
        )

    def put(self, order: Order) -> None:
        item = replace(an_item(), order_id=order.order_id)
        record = replace(a_paid_record(channel_trade_no=f"T{order.order_id}"))
        if order.order_id != ORDER_ID:
            record = replace(record, pay_no=f"2{order.order_id[1:]}", order_id=order.order_id)
            order = replace(order, paid_by_pay_no=record.pay_no)
        change = Change(write_id="begin", orders=(order,), items=(item,), pay_records=(record,))
        self.store.commit(change)

    def seller_says(self, status: SaleStatus | None) -> None:
        self.sellers.goods.clear()
        if status is not None:
            goods = replace(COURSE, out_business_id=self.order.out_business_id, status=status)
            self.sellers.put(goods)

    def run(self, seconds: float = 60) -> Audited:
        return self.audit.run(Deadline.after(seconds))

    def run_at_the_next_audit(self) -> Audited:
        assert self.order.next_audit_at is not None
        self.clock.set(self.order.next_audit_at)
        return self.run()

    @property
    def order(self) -> Order:
        return self.store.orders[ORDER_ID]

    def emitted(self) -> list[str]:
        return sorted(self.store.outbox)

    def change(self, **changes: Any) -> None:
        """Another writer is faster."""
        before = self.store.orders[ORDER_ID]
        change = Change(write_id=f"o{before.version}", orders=(replace(before, **changes),))
        meanwhile: Callable[[], None] = self.store.before_commit
        self.store.before_commit = lambda: None
        self.store.commit(change)
        self.store.before_commit = meanwhile


def revoked() -> dict[str, Any]:
    """What a refund that took the goods makes of an order."""
    return {"status": OrderStatus.REFUNDED, "revoked_by": REFUND.out_refund_no}
