"""One student, one course, one order service on fakes: where the tests of orders begin."""

from __future__ import annotations

from datetime import datetime, timedelta

from chalicelib.deadline import Deadline
from chalicelib.money import Fen
from chalicelib.orders.cashier import Cashier
from chalicelib.orders.model import (
    Order,
    OrderStatus,
    Paid,
    PayChannel,
    PayNo,
    PayRecord,
    PayStatus,
    Settlement,
    Verdict,
)
from chalicelib.orders.ports import Form, Notify
from chalicelib.orders.results import PaymentResults
from chalicelib.orders.service import Offer, OrderService
from chalicelib.purchasables import OrderType, Purchasable, SaleStatus
from tests.fakes.clock import FakeClock
from tests.fakes.numbers import FakeNumbers
from tests.fakes.orders import FakeChannel, FakeOrderStore, FakePurchasables

STUDENT = "student-1"
RECORD = "900000000000000001"
PRICE = Fen(990)

COURSE = Purchasable(
    out_business_id=RECORD,
    order_type=OrderType.COURSE,
    owner_id=STUDENT,
    goods_id="course-1",
    title="Java 编程思想",
    price_fen=PRICE,
    valid_days=365,
    status=SaleStatus.AWAITING_PAYMENT,
)


class Shop:
    """The order service with everything around it under the test's control."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.store = FakeOrderStore()
        self.goods = FakePurchasables(COURSE)
        self.alipay = FakeChannel()
        self.reports: list[str] = []
        channels = {PayChannel.ALIPAY: lambda: self.alipay}
        self.results = PaymentResults(
            store=self.store,
            channels=channels,
            clock=self.clock,
            report=self.reports.append,
            query_interval=timedelta(seconds=3),
        )
        self.service = OrderService(
            store=self.store,
            purchasables=self.goods,
            results=self.results,
            numbers=FakeNumbers(),
            clock=self.clock,
            expires_after=timedelta(minutes=30),
        )
        self.cashier = Cashier(
            store=self.store, purchasables=self.goods, channels=channels, clock=self.clock
        )

    def offer(self, user_id: str = STUDENT, record: str = RECORD) -> Offer:
        return self.service.offer(user_id, record, OrderType.COURSE, Deadline.after(25))

    def open(self, pay_no: PayNo) -> Form:
        return self.cashier.open(pay_no, PayChannel.ALIPAY)

    def opened(self) -> Offer:
        """An offer that a payer has opened at Alipay."""
        offer = self.offer()
        self.open(offer.record.pay_no)
        return offer

    def notified(self, pay_no: PayNo, verdict: Verdict, notify_id: str = "n1") -> Settlement:
        self.alipay.notify = Notify(
            pay_no=pay_no,
            notify_id=notify_id,
            app_id="app",
            merchant_id="seller",
            verdict=verdict,
        )
        return self.results.receive_notify(PayChannel.ALIPAY, {}, b"raw body")

    def paid(
        self, *, fen: int = PRICE, trade_no: str = "T1", at: datetime | None = None, back: int = 0
    ) -> Paid:
        return Paid(
            channel_trade_no=trade_no,
            amount_fen=Fen(fen),
            paid_at=at or self.clock.now(),
            refunded_fen=Fen(back),
        )

    def order_of(self, offer: Offer) -> Order:
        return self.store.orders[offer.order.order_id]

    def record_of(self, offer: Offer) -> PayRecord:
        return self.store.records[offer.record.pay_no]

    def balance(self) -> tuple[int, int, int, int]:
        """(paid, kept for goods, refunded, owed) over all payments, in fen: invariant I1."""
        known = (PayStatus.PAID, PayStatus.REFUNDED)
        payments = [r for r in self.store.records.values() if r.status in known]
        bought = {
            order.paid_by_pay_no
            for order in self.store.orders.values()
            if order.status in (OrderStatus.PAID, OrderStatus.REFUNDED)
        }
        paid = sum(record.paid_fen or 0 for record in payments)
        refunded = sum(record.refunded_fen for record in payments)
        owed = sum(refund.amount_fen for refund in self.store.refunds.values())
        kept = sum(
            (record.paid_fen or 0) - record.refunded_fen
            for record in payments
            if record.pay_no in bought
        )
        return paid, kept, refunded, owed
