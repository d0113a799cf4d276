"""The whole order service and the learning centre on the real engine, before both platforms."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from chalicelib.deadline import Deadline
from chalicelib.dynamo import Dynamo
from chalicelib.learning.grants import Granting
from chalicelib.learning.model import Course
from chalicelib.learning.revocations import Revoking
from chalicelib.learning.sale import CoursePurchasables
from chalicelib.learning.service import LearningService
from chalicelib.learning.store import DynamoLearningStore
from chalicelib.money import Fen
from chalicelib.mq.delivery import Ack, Delivery
from chalicelib.mq.message import PAYNOTIFY_EXCHANGE
from chalicelib.mq.outbox import OutboxItem
from chalicelib.orders.attempts import CheckSchedule
from chalicelib.orders.cashier import Cashier
from chalicelib.orders.model import OrderId, PayNo
from chalicelib.orders.platform import Channels
from chalicelib.orders.ports import OrderStore
from chalicelib.orders.purchases import OrderPurchases
from chalicelib.orders.refunds.desk import RefundDesk
from chalicelib.orders.refunds.results import RefundSettling
from chalicelib.orders.refunds.sender import RefundSender
from chalicelib.orders.refunds.settle import RefundPolicy
from chalicelib.orders.results import PaymentResults
from chalicelib.orders.service import OrderService
from chalicelib.orders.storage.rows import PayRecordRow, RefundQuotaRow, RefundRow
from chalicelib.orders.storage.store import DynamoOrderStore
from chalicelib.orders.watching import Watching
from chalicelib.orders.withdrawal import Withdrawal
from chalicelib.purchasables import OrderType
from chalicelib.selling.codes import Charge, PublishStatus
from chalicelib.selling.subscriber import PayResultSubscriber, RefundResultSubscriber
from chalicelib.settings import Settings
from tests.fakes.numbers import FIRST, FakeNumbers
from tests.integration.orders.breakage import (
    REMOTE,
    DatabaseTrouble,
    Interrupter,
    Interruptible,
)
from tests.integration.orders.platforms import Platforms

CLAIM_FOR = timedelta(seconds=30)
EXPIRES_AFTER = timedelta(minutes=30)
POLICY = RefundPolicy(daily_count=4)
APPROVAL_ABOVE = Fen(500)
_NUMBERS_A_SHOP = 4_000_000


def deadline() -> Deadline:
    return Deadline.after(25)


class Tables:
    """The tables of all shops of a test run, and the connection to them."""

    def __init__(self, settings: Settings) -> None:
        self.dynamo = Dynamo(settings)
        self.orders: OrderStore = DynamoOrderStore(self.dynamo, 30)
        self.learning = DynamoLearningStore(self.dynamo)
        self.trouble = DatabaseTrouble(self.dynamo)
        self._outbox = self.dynamo.bind(OutboxItem)
        self._records = self.dynamo.bind(PayRecordRow)
        self._refunds = self.dynamo.bind(RefundRow)
        self._quotas = self.dynamo.bind(RefundQuotaRow)

    def messages(self) -> list[OutboxItem]:
        """What waits in the outbox."""
        return list(self._outbox.scan(consistent_read=True))

    def clear(self, pay_nos: Iterable[PayNo], refund_nos: Iterable[str]) -> None:
        """Leave nothing that the jobs of the next shop would find."""
        self.trouble.over()
        for row in (*self.messages(), *self._quotas.scan()):
            row.delete()
        for pay_no in pay_nos:
            model = self._records
            model(pay_no).update(actions=[model.next_check_at.remove(), model.check_shard.remove()])
        for number in refund_nos:
            refund = self._refunds
            refund(number).update(actions=[refund.next_try_at.remove(), refund.try_shard.remove()])


class Shop:
    """One deployment: new numbers, new people, new courses, in tables that others have used.

    What a test hands in instead of the real parts may be broken: that is how it shows that it
    would be seen.
    """

    def __init__(
        self,
        tables: Tables,
        platforms: Platforms,
        number: int,
        *,
        store: Any = None,
        channels: Any = None,
        schedule: CheckSchedule | None = None,
    ) -> None:
        self.tables = tables
        self.platforms = platforms
        self.number = number
        self.clock = platforms.clock
        self.numbers = FakeNumbers(FIRST + number * _NUMBERS_A_SHOP)
        self.schedule = schedule or CheckSchedule()
        self.interrupter = Interrupter()
        self.reports: list[str] = []
        self.store: Any = Interruptible(store or tables.orders, self.interrupter)
        self.learning_store: Any = Interruptible(tables.learning, self.interrupter)
        self.channels: Channels = {
            channel: lambda real=real: Interruptible(real, self.interrupter, REMOTE)
            for channel, real in (channels or platforms.channels).items()
        }
        self._make_sellers()
        self._make_orders()
        self._make_refunds()

    def _make_sellers(self) -> None:
        store = self.learning_store
        self.purchasables = CoursePurchasables(store)
        self.learning = LearningService(
            store=store,
            purchases=OrderPurchases(self.store),
            numbers=self.numbers,
            clock=self.clock,
            renew_window=timedelta(days=30),
        )
        self.subscribers = {
            True: PayResultSubscriber(OrderType.COURSE, Granting(store)),
            False: RefundResultSubscriber(OrderType.COURSE, Revoking(store)),
        }

    def _make_orders(self) -> None:
        shared: dict[str, Any] = {"store": self.store, "channels": self.channels}
        watched = {"clock": self.clock, "schedule": self.schedule, "claim_for": CLAIM_FOR}
        self.refunding = RefundSettling(self.store, self.clock, self.reports.append, POLICY)
        self.results = PaymentResults(
            **shared,
            refunds=self.refunding,
            clock=self.clock,
            report=self.reports.append,
            query_interval=timedelta(seconds=3),
        )
        self.withdrawal = Withdrawal(**shared, **watched, results=self.results)
        self.orders = OrderService(
            store=self.store,
            purchasables=self.purchasables,
            withdrawal=self.withdrawal,
            numbers=self.numbers,
            clock=self.clock,
            expires_after=EXPIRES_AFTER,
        )
        self.cashier = Cashier(
            **shared,
            **watched,
            purchasables=self.purchasables,
            results=self.results,
            withdrawal=self.withdrawal,
            numbers=self.numbers,
        )
        self.watching = Watching(
            **shared,
            results=self.results,
            withdrawal=self.withdrawal,
            clock=self.clock,
            schedule=self.schedule,
            report=self.reports.append,
            on_unforeseen=_fail,
            most=200,
        )

    def _make_refunds(self) -> None:
        self.desk = RefundDesk(
            store=self.store,
            clock=self.clock,
            report=self.reports.append,
            approval_above_fen=APPROVAL_ABOVE,
        )
        self.sender = RefundSender(
            store=self.store,
            channels=self.channels,
            results=self.results,
            refunds=self.refunding,
            clock=self.clock,
            report=self.reports.append,
            policy=POLICY,
            on_unforeseen=_fail,
        )

    def student(self, number: int) -> str:
        return f"student-{number}-{self.number}"

    def course(self, number: int) -> str:
        return f"course-{number}-{self.number}"

    def sell(self, number: int, fen: int, *, offline: bool = False) -> None:
        """Put a course into the catalogue, or change it there."""
        self.tables.learning.put_course(
            Course(
                course_id=self.course(number),
                company_id="company-1",
                name="Java 编程思想",
                charge=Charge.PAID,
                price_fen=Fen(fen),
                valid_days=365,
                publish_status=PublishStatus.OFFLINE if offline else PublishStatus.PUBLISHED,
            )
        )

    def watch(self) -> None:
        """One run of the job that looks at payments."""
        self.watching.run(Deadline.after(55))

    def send_refunds(self) -> None:
        """One run of the job that pays back."""
        self.sender.run(Deadline.after(55))

    def hand_over(self, message: OutboxItem) -> bool:
        """Take a message to its subscriber as a broker would; whether it is done with."""
        handler = self.subscribers[message.exchange == PAYNOTIFY_EXCHANGE]
        delivery = Delivery(tag=1, message_id=message.message_id, body=message.body.encode())
        return isinstance(handler(delivery), Ack)

    def messages_of(self, order_ids: Iterable[OrderId]) -> list[OutboxItem]:
        """What waits in the outbox of these orders, oldest first."""
        mine = set(order_ids)
        waiting = [m for m in self.tables.messages() if m.event_key.partition("#")[0] in mine]
        return sorted(waiting, key=lambda message: (message.created_at_ms, message.event_key))


def _fail(number: str) -> None:
    """An error that nobody foresaw is one that a job may not hide here."""
    raise
