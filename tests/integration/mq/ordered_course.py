"""A course that was ordered: the order service and the learning centre on the real engine, the
queues between them on the real broker, and the grant audit beside them.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.clock import SystemClock
from chalicelib.deadline import Deadline
from chalicelib.dynamo import Dynamo
from chalicelib.learning.grants import Granting
from chalicelib.learning.model import LearnStatus
from chalicelib.learning.ports import LearningChange
from chalicelib.learning.revocations import Revoking
from chalicelib.learning.rows import ChooseCourseItem, CourseItem, CourseTableItem
from chalicelib.learning.sale import CoursePurchasables
from chalicelib.learning.store import DynamoLearningStore
from chalicelib.mq.delivery import Handler
from chalicelib.mq.drain import DrainReport
from chalicelib.mq.message import PAYNOTIFY_EXCHANGE, OutboxMessage
from chalicelib.mq.outbox import Outbox, OutboxItem
from chalicelib.mq.rabbit import RabbitPublisher
from chalicelib.mq.relay import Relay, RelayLimits
from chalicelib.mq.topology import Topology
from chalicelib.orders.grant_audit import Audited, GrantAudit
from chalicelib.orders.grant_schedule import AuditSchedule
from chalicelib.orders.model import Order, OrderStatus, PayChannel
from chalicelib.orders.platform import RefundNotice
from chalicelib.orders.ports import Change, GuardTake
from chalicelib.orders.refunds.results import RefundSettling
from chalicelib.orders.results import PaymentResults
from chalicelib.orders.storage import rows
from chalicelib.orders.storage.store import DynamoOrderStore
from chalicelib.orders.verdict import Paid, RefundDone
from chalicelib.purchasables import OrderType, Purchasables
from chalicelib.selling.subscriber import PayResultSubscriber, RefundResultSubscriber
from chalicelib.settings import Settings
from tests.contract.orders.things import ITEM, ORDER, RECORD
from tests.fakes.channel import FakeChannel
from tests.fakes.clock import START, FakeClock
from tests.integration.mq.conftest import Wire
from tests.integration.mq.learning_centre import Noting, drain
from tests.unit.learning.builders import STUDENT, a_pending_record
from tests.unit.mq.builders import an_insert

CHOSEN = ORDER.out_business_id
TABLES = (
    rows.OrderRow,
    rows.OrderGuardRow,
    rows.OrderItemRow,
    rows.PayRecordRow,
    rows.ChannelTradeRow,
    rows.RefundRow,
    CourseItem,
    ChooseCourseItem,
    CourseTableItem,
    OutboxItem,
)


class OrderedCourse:
    """A course that was chosen and ordered, and everything between its payment and its opening."""

    def __init__(self, wire: Wire, refund_wire: Wire, settings: Settings) -> None:
        self.wires = {True: wire, False: refund_wire}
        for each in self.wires.values():
            each.declare()
        self.clock = FakeClock()
        self.reports: list[str] = []
        self._dynamo = Dynamo(settings)
        self._outbox = self._dynamo.bind(OutboxItem)
        self.store = DynamoOrderStore(self._dynamo, rejected_ttl_days=30)
        self.learning = DynamoLearningStore(self._dynamo)
        topology = Topology((wire.subscription, refund_wire.subscription))
        self.publisher = RabbitPublisher(wire.address, topology, SystemClock())
        self.relaying = Relay(
            Outbox(self._dynamo), self.publisher, topology, SystemClock(), RelayLimits()
        )
        self.refunding = RefundSettling(self.store, self.clock, self.reports.append)
        self.platform = FakeChannel()
        self.results = PaymentResults(
            store=self.store,
            channels={PayChannel.ALIPAY: lambda: self.platform},
            refunds=self.refunding,
            clock=self.clock,
            report=self.reports.append,
            query_interval=timedelta(0),
        )
        self.audit = self.another_audit()
        self._choose_and_order()

    def sellers(self) -> Purchasables:
        """Whom the audit asks."""
        return CoursePurchasables(self.learning)

    def another_audit(self) -> GrantAudit:
        return GrantAudit(
            store=self.store,
            purchasables=self.sellers(),
            clock=self.clock,
            schedule=AuditSchedule(),
            report=self.reports.append,
            on_missing=lambda finding: None,
            on_unforeseen=_fail,
            gauge=lambda name, value: None,
            page=100,
        )

    def _choose_and_order(self) -> None:
        record = a_pending_record(CHOSEN)
        self.learning.commit(LearningChange(write_id="w", choose_course=record, open_pending=True))
        attempt = replace(RECORD, channel=PayChannel.ALIPAY, opened_at=START)
        self.store.commit(
            Change(
                write_id="w",
                orders=(replace(ORDER, created_at=START),),
                items=(ITEM,),
                pay_records=(attempt,),
                take_guard=GuardTake(out_business_id=CHOSEN, order_id=ORDER.order_id),
            )
        )

    def pay(self) -> None:
        self.platform.verdict = Paid(
            channel_trade_no="T1", amount_fen=ORDER.total_fen, paid_at=START
        )
        record = self.store.pay_record(RECORD.pay_no)
        assert record is not None
        self.results.ask(record, Deadline.after(20))
        assert self.order.status is OrderStatus.PAID

    def refund(self) -> None:
        done = RefundDone(amount_fen=ORDER.total_fen, refunded_at=self.clock.now())
        notice = RefundNotice(
            channel_refund_no="portal-1", amount_fen=ORDER.total_fen, verdict=done
        )
        self.refunding.told(RECORD.pay_no, notice)
        assert self.order.status is OrderStatus.REFUNDED

    @property
    def order(self) -> Order:
        order = self.store.order(ORDER.order_id)
        assert order is not None
        return order

    def waiting(self) -> list[OutboxMessage]:
        return [
            OutboxMessage(
                event_key=row.event_key,
                message_id=row.message_id,
                exchange=row.exchange,
                body=row.body,
                created_at=datetime.fromtimestamp(int(row.created_at_ms) / 1000, UTC),
            )
            for row in self._outbox.scan(consistent_read=True)
        ]

    def relay(self) -> list[str]:
        """Bring what waits to its queue, as the stream does; the bodies."""
        messages = self.waiting()
        now = SystemClock().now()
        records = [
            an_insert(replace(message, exchange=self._exchange_of(message)), number, put_at=now)
            for number, message in enumerate(messages, start=1)
        ]
        assert self.relaying.publish(records) == {"batchItemFailures": []}
        assert self.waiting() == []
        return [message.body for message in messages]

    def _exchange_of(self, message: OutboxMessage) -> str:
        return self.wires[message.exchange == PAYNOTIFY_EXCHANGE].subscription.exchange

    def lose_the_queue(self, *, payments: bool = True) -> None:
        """Somebody deletes it with what is in it; the next drain that connects declares it."""
        wire = self.wires[payments]
        queue = wire.subscription.work_queue
        lost: list[Any] = []
        wire.on_channel(lambda channel: lost.append(channel.queue_delete(queue).method))
        assert lost[0].message_count == 1, "the confirmed message"
        wire.declare()

    def drain(self, *, payments: bool = True) -> DrainReport:
        """Drain until one message has its outcome."""
        subscriber: Handler = (
            PayResultSubscriber(OrderType.COURSE, Granting(self.learning))
            if payments
            else RefundResultSubscriber(OrderType.COURSE, Revoking(self.learning))
        )
        noting = Noting(subscriber)
        return drain(self.wires[payments], noting, lambda: bool(noting.handled))

    def forget_the_audits(self) -> None:
        """Leave the order as code wrote it that knew of no audit."""
        model = self._dynamo.bind(rows.OrderRow)
        gone = (model.audits, model.next_audit_at, model.audit_shard)
        model(ORDER.order_id).update(actions=[attribute.remove() for attribute in gone])

    def drop_from_the_outbox(self, message: OutboxMessage) -> None:
        """An operator gives a message up."""
        Outbox(self._dynamo).delete([message.event_key])

    def audit_in_time(self) -> Audited:
        """One run, as soon as the order is due."""
        assert self.order.next_audit_at is not None
        self.clock.set(self.order.next_audit_at)
        return self.audit.run(Deadline.after(30))

    def is_open(self) -> bool:
        row = self.learning.course_row(STUDENT, "1002")
        return row is not None and row.learn_status(START) is LearnStatus.MAY_LEARN

    def written(self) -> tuple[int, int]:
        """The versions of record and row: another effect would be another version."""
        record = self.learning.choose_course(CHOSEN)
        row = self.learning.course_row(STUDENT, "1002")
        return record.version if record else 0, row.version if row else 0


def _fail(order_id: str) -> None:
    """An error that nobody foresaw may not be hidden here."""
    raise
