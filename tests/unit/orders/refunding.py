"""One paid order, a platform that keeps its money, and the ways back: where refund tests begin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from chalicelib.deadline import Deadline
from chalicelib.money import Fen
from chalicelib.orders.model import (
    Order,
    OrderId,
    OrderItem,
    OrderStatus,
    PayChannel,
    PayNo,
    PayRecord,
    PayStatus,
    Refund,
    RefundStatus,
    SurplusReason,
)
from chalicelib.orders.platform import RefundNotice
from chalicelib.orders.ports import Change
from chalicelib.orders.refunds.desk import RefundAsk, RefundDesk
from chalicelib.orders.refunds.money_back import owed_fen, surplus_refund
from chalicelib.orders.refunds.results import RefundSettling
from chalicelib.orders.refunds.sender import RefundSender, Sent
from chalicelib.orders.refunds.settle import RefundPolicy
from chalicelib.orders.results import PaymentResults
from chalicelib.orders.verdict import Paid, RefundVerdict, Settlement
from chalicelib.purchasables import OrderType
from tests.builders import PAY_NO, a_pay_record
from tests.fakes.clock import START, FakeClock
from tests.fakes.orders import FakeOrderStore
from tests.fakes.refund_platform import RefundPlatform

PRICE = 990
OPERATOR = "operator-1"
SUPERVISOR = "operator-2"
ORDER_ID = OrderId("140000000000000001")
POLICY = RefundPolicy(retry_seconds=(60, 120, 300), least_gap_seconds=65)


def a_paid_order(**changes: Any) -> Order:
    order = Order(
        order_id=ORDER_ID,
        user_id="52",
        out_business_id="900000000000000001",
        order_type=OrderType.COURSE,
        status=OrderStatus.PAID,
        total_fen=Fen(PRICE),
        title="Java 编程思想",
        created_at=START,
        expires_at=START + timedelta(minutes=30),
        live_pay_no=PAY_NO,
        pay_nos=(PAY_NO,),
        paid_by_pay_no=PAY_NO,
        paid_at=START,
    )
    return replace(order, **changes)


def an_item() -> OrderItem:
    return OrderItem(
        order_id=ORDER_ID,
        goods_id="course-1",
        goods_type=OrderType.COURSE,
        title="Java 编程思想",
        price_fen=Fen(PRICE),
        valid_days=365,
    )


def a_paid_record(**changes: Any) -> PayRecord:
    paid: Mapping[str, Any] = {
        "status": PayStatus.PAID,
        "channel": PayChannel.ALIPAY,
        "channel_trade_no": "T1",
        "paid_fen": Fen(PRICE),
        "paid_at": START,
        "opened_at": START,
    }
    return a_pay_record(**{**paid, **changes})


class Refunding:
    """The desk, the job and the notifications around one payment of 9.90 yuan."""

    def __init__(
        self,
        *,
        wechat: bool = False,
        surplus: SurplusReason | None = None,
        approval_above: int = PRICE,
        policy: RefundPolicy = POLICY,
    ) -> None:
        self.clock = FakeClock()
        self.store = FakeOrderStore()
        self.platform = RefundPlatform(self.clock, is_wechat=wechat)
        self.platform.paid = Paid(
            channel_trade_no="T1", amount_fen=Fen(PRICE), paid_at=self.clock.now()
        )
        self.reports: list[str] = []
        self.unforeseen: list[str] = []
        channel = PayChannel.WECHAT if wechat else PayChannel.ALIPAY
        self.served: Any = self.platform
        channels = {channel: lambda: self.served}
        self._put_in_place(a_paid_record(channel=channel), surplus)
        self.settling = RefundSettling(self.store, self.clock, self.reports.append, policy)
        self.results = PaymentResults(
            store=self.store,
            channels=channels,
            refunds=self.settling,
            clock=self.clock,
            report=self.reports.append,
            query_interval=timedelta(seconds=3),
        )
        self.desk = RefundDesk(
            store=self.store,
            clock=self.clock,
            report=self.reports.append,
            approval_above_fen=Fen(approval_above),
        )
        self.sender = RefundSender(
            store=self.store,
            channels=channels,
            results=self.results,
            refunds=self.settling,
            clock=self.clock,
            report=self.reports.append,
            policy=policy,
            on_unforeseen=self.unforeseen.append,
        )

    def _put_in_place(self, record: PayRecord, surplus: SurplusReason | None) -> None:
        order, refunds = a_paid_order(), ()
        if surplus is not None:
            record, refund = surplus_refund(record, surplus, self.clock.now())
            order, refunds = replace(order, paid_by_pay_no="150000000000000002"), (refund,)
        self.store.commit(
            Change(
                write_id="begin",
                orders=(order,),
                items=(an_item(),),
                pay_records=(record,),
                refunds=refunds,
            )
        )

    @property
    def order(self) -> Order:
        return self.store.orders[ORDER_ID]

    @property
    def record(self) -> PayRecord:
        return self.store.records[PAY_NO]

    @property
    def rows(self) -> tuple[Refund, ...]:
        return self.store.refunds(self.record.refund_nos)

    def row(self, number: str) -> Refund:
        return self.store.refund_rows[number]

    def only_row(self) -> Refund:
        (row,) = self.rows
        return row

    def ask(self, amount: int | None = None, key: str = "k1", **words: Any) -> Refund:
        wish = RefundAsk(
            idempotency_key=key,
            reason=words.pop("reason", "学员申请"),
            amount_fen=None if amount is None else Fen(amount),
            **words,
        )
        return self.desk.request(ORDER_ID, wish, OPERATOR)

    def run(self) -> Sent:
        return self.sender.run(Deadline.after(60))

    def run_until_quiet(self, *, most_runs: int = 60) -> None:
        """Run the job whenever something is due, until nothing but what needs a person is."""
        for _ in range(most_runs):
            pending = [
                row.next_try_at
                for row in self.store.refund_rows.values()
                if row.next_try_at is not None and row.status is not RefundStatus.MANUAL
            ]
            if not pending:
                return
            self.clock.set(max(self.clock.now(), min(pending)))
            self.run()
        raise AssertionError("the job never comes to rest")

    def told(self, number: str, verdict: RefundVerdict, fen: int = 0) -> Settlement:
        notice = RefundNotice(channel_refund_no=number, amount_fen=Fen(fen), verdict=verdict)
        return self.settling.told(PayNo(PAY_NO), notice)

    def told_back(self, fen: int) -> None:
        """Alipay notifies of the trade again, with all that is back."""
        assert self.platform.paid is not None
        self.results._settle(PAY_NO, replace(self.platform.paid, back_fen=Fen(fen)))

    def assert_i1(self) -> None:
        """Paid = kept + refunded + owed, and the record says what its refunds say."""
        record, rows = self.record, self.rows
        paid = record.paid_fen or 0
        back = sum(row.amount_fen for row in rows if row.status is RefundStatus.DONE)
        reserved = sum(row.amount_fen for row in rows if row.status is not RefundStatus.RELEASED)
        assert record.refunded_fen == back
        assert record.reserved_fen == reserved
        assert 0 <= reserved <= paid
        assert paid - back - owed_fen(rows) >= 0, "what is kept"
        assert all(row.amount_fen >= 0 for row in rows)
        assert (record.status is PayStatus.REFUNDED) == (back == paid)
        assert len(self.store.refund_rows) == len(rows), "a row that no record knows"
        if self.order.paid_by_pay_no == PAY_NO:
            assert (self.order.status is OrderStatus.REFUNDED) == (back == paid)
            assert back < paid or self.order.revoked_by is not None
        assert len(self.store.outbox) == (self.order.revoked_by is not None)
