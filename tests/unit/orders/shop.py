"""One student, one course, one order service on fakes: where the tests of orders begin."""

from __future__ import annotations

from datetime import datetime, timedelta

from chalicelib.deadline import Deadline
from chalicelib.money import Fen
from chalicelib.orders.attempts import CheckSchedule
from chalicelib.orders.cashier import Cashier
from chalicelib.orders.model import (
    Order,
    OrderStatus,
    PayChannel,
    PayNo,
    PayRecord,
    PayStatus,
    RefundStatus,
    TradeType,
)
from chalicelib.orders.platform import Channels, Notify, Payer, Presentation, RefundNotice
from chalicelib.orders.refunds.results import RefundSettling
from chalicelib.orders.results import PaymentResults
from chalicelib.orders.service import Offer, OrderService
from chalicelib.orders.verdict import Paid, Settlement, Verdict
from chalicelib.orders.watching import Watched, Watching
from chalicelib.orders.withdrawal import Withdrawal
from chalicelib.purchasables import OrderType, Purchasable, SaleStatus
from tests.fakes.channel import FakeChannel
from tests.fakes.clock import FakeClock
from tests.fakes.numbers import FakeNumbers
from tests.fakes.orders import FakeOrderStore, FakePurchasables

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


CLAIM_FOR = timedelta(seconds=30)
ALIPAY = Payer(channel=PayChannel.ALIPAY, trade_type=TradeType.ALI_WAP)
NATIVE = Payer(channel=PayChannel.WECHAT, trade_type=TradeType.WX_NATIVE)


def in_wechat(openid: str = "o1") -> Payer:
    return Payer(channel=PayChannel.WECHAT, trade_type=TradeType.WX_JSAPI, openid=openid)


class Shop:
    """The order service with everything around it under the test's control."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.store = FakeOrderStore()
        self.goods = FakePurchasables(COURSE)
        self.alipay = FakeChannel()
        self.wechat = FakeChannel(prepay="wx-prepay")
        self.reports: list[str] = []
        self.unforeseen: list[PayNo] = []
        channels: Channels = {
            PayChannel.ALIPAY: lambda: self.alipay,
            PayChannel.WECHAT: lambda: self.wechat,
        }
        schedule = CheckSchedule()
        self.refunding = RefundSettling(self.store, self.clock, self.reports.append)
        self.results = PaymentResults(
            store=self.store,
            channels=channels,
            refunds=self.refunding,
            clock=self.clock,
            report=self.reports.append,
            query_interval=timedelta(seconds=3),
        )
        self.withdrawal = Withdrawal(
            store=self.store,
            results=self.results,
            channels=channels,
            clock=self.clock,
            schedule=schedule,
            claim_for=CLAIM_FOR,
        )
        self.service = OrderService(
            store=self.store,
            purchasables=self.goods,
            withdrawal=self.withdrawal,
            numbers=FakeNumbers(),
            clock=self.clock,
            expires_after=timedelta(minutes=30),
        )
        self.cashier = Cashier(
            store=self.store,
            purchasables=self.goods,
            channels=channels,
            results=self.results,
            withdrawal=self.withdrawal,
            numbers=self.service._numbers,
            clock=self.clock,
            schedule=schedule,
            claim_for=CLAIM_FOR,
        )
        self.watching = Watching(
            store=self.store,
            results=self.results,
            withdrawal=self.withdrawal,
            channels=channels,
            clock=self.clock,
            schedule=schedule,
            report=self.reports.append,
            on_unforeseen=self.unforeseen.append,
            most=100,
        )

    @property
    def parts(self) -> tuple[object, ...]:
        """Everything that holds the store."""
        return (
            self.service,
            self.cashier,
            self.results,
            self.results._evidence,
            self.withdrawal,
            self.watching,
            self.refunding,
        )

    def watch(self) -> Watched:
        """One run of the job."""
        return self.watching.run(Deadline.after(60))

    def cancel(self, offer: Offer, user_id: str = STUDENT) -> Order:
        return self.service.cancel(user_id, offer.order.order_id, Deadline.after(25))

    def offer(self, user_id: str = STUDENT, record: str = RECORD) -> Offer:
        return self.service.offer(user_id, record, OrderType.COURSE, Deadline.after(25))

    def open(self, pay_no: PayNo, payer: Payer = ALIPAY) -> Presentation:
        return self.cashier.open(pay_no, payer, Deadline.after(25))

    def opened(self, payer: Payer = ALIPAY) -> Offer:
        """An offer that a payer has opened, at Alipay unless another is named."""
        offer = self.offer()
        self.open(offer.record.pay_no, payer)
        return offer

    def notified(
        self, pay_no: PayNo, tells: Verdict | RefundNotice, notify_id: str = "n1"
    ) -> Settlement:
        record = self.store.records.get(pay_no)
        channel = (record.channel if record else None) or PayChannel.ALIPAY
        platform = self.alipay if channel is PayChannel.ALIPAY else self.wechat
        platform.notify = Notify(
            pay_no=pay_no,
            notify_id=notify_id,
            app_id="app",
            merchant_id="seller",
            tells=tells,
        )
        return self.results.receive_notify(channel, {}, b"raw body")

    def paid(
        self, *, fen: int = PRICE, trade_no: str = "T1", at: datetime | None = None, back: int = 0
    ) -> Paid:
        return Paid(
            channel_trade_no=trade_no,
            amount_fen=Fen(fen),
            paid_at=at or self.clock.now(),
            back_fen=Fen(back),
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
        owing = (RefundStatus.OWED, RefundStatus.SENT, RefundStatus.MANUAL)
        owed = sum(r.amount_fen for r in self.store.refund_rows.values() if r.status in owing)
        kept = sum(
            (record.paid_fen or 0)
            - sum(
                refund.amount_fen
                for refund in self.store.refunds(record.refund_nos)
                if refund.status in (*owing, RefundStatus.DONE)
            )
            for record in payments
            if record.pay_no in bought
        )
        return paid, kept, refunded, owed
