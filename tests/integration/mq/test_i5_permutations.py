"""I5 by the real broker and the real engine: every order of payments and refunds, one course row.

tests/unit/learning/test_i5_permutations.py goes through the orders of other sets as well; here all
of one set travel the whole way, each with a student of its own.
"""

from __future__ import annotations

import random
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import permutations

import pytest

from chalicelib.clock import SystemClock
from chalicelib.deadline import Deadline
from chalicelib.dynamo import Dynamo
from chalicelib.learning.grants import Granting
from chalicelib.learning.ports import LearningChange
from chalicelib.learning.revocations import Revoking
from chalicelib.learning.rows import ChooseCourseItem, CourseItem, CourseTableItem
from chalicelib.learning.store import DynamoLearningStore
from chalicelib.mq.delivery import Delivery, Handler, Outcome
from chalicelib.mq.drain import Drain, DrainLimits, DrainReport
from chalicelib.mq.message import OutboxMessage, paid_event
from chalicelib.mq.outbox import Outbox, OutboxItem
from chalicelib.mq.rabbit import RabbitPublisher, connector
from chalicelib.mq.refund_message import refund_event
from chalicelib.mq.relay import Relay, RelayLimits
from chalicelib.mq.topology import Subscription, Topology
from chalicelib.purchasables import OrderType
from chalicelib.selling.codes import ChooseStatus
from chalicelib.selling.subscriber import PayResultSubscriber, RefundResultSubscriber
from chalicelib.settings import Settings
from infra.local.services.broker import Broker, ExternalBroker
from tests.conftest import CreateTables
from tests.fakes.clock import START
from tests.integration.mq.conftest import ANSWER_SECONDS, Wire, put_by_transactions
from tests.unit.learning.builders import a_pay_result, a_pending_record, a_refund_result
from tests.unit.mq.builders import an_insert

DAYS = 10
PAID_ON_DAY = {"first": 0, "second": 5, "renewal": 18}
GONE = ("first", "second")
MESSAGES = len(PAID_ON_DAY) + len(GONE)
ORDERS = list(permutations(range(MESSAGES)))


@dataclass(frozen=True)
class End:
    """What a student is left with: from when to when, each purchase's status, what is revoked."""

    opens: datetime | None
    ends: datetime | None
    statuses: tuple[ChooseStatus, ...]
    grants: tuple[tuple[str, bool], ...]


EXPECTED = End(
    opens=START + timedelta(days=18),
    ends=START + timedelta(days=28),
    statuses=(ChooseStatus.REFUNDED, ChooseStatus.REFUNDED, ChooseStatus.CHOSEN),
    grants=(("first", True), ("second", True), ("renewal", False)),
)


class Bench:
    """The relay, the two subscriptions of the learning centre, and its tables."""

    def __init__(self, wire: Wire, refund_wire: Wire, settings: Settings) -> None:
        self._wires = {each.subscription.exchange: each for each in (wire, refund_wire)}
        self._payments, self._refunds = wire, refund_wire
        for each in self._wires.values():
            each.declare()
        self._dynamo = Dynamo(settings)
        self.store = DynamoLearningStore(self._dynamo)
        self.outbox = Outbox(self._dynamo)
        topology = Topology((wire.subscription, refund_wire.subscription))
        self.publisher = RabbitPublisher(wire.address, topology, SystemClock())
        self._relay = Relay(self.outbox, self.publisher, topology, SystemClock(), RelayLimits())
        self._handlers: dict[str, Handler] = {
            wire.subscription.exchange: PayResultSubscriber(OrderType.COURSE, Granting(self.store)),
            refund_wire.subscription.exchange: RefundResultSubscriber(
                OrderType.COURSE, Revoking(self.store)
            ),
        }

    def messages_for(self, student: str) -> list[OutboxMessage]:
        """Three purchases of a student that await payment, and what is to be heard of them."""
        for number in PAID_ON_DAY:
            record = a_pending_record(f"{student}-{number}", user_id=student)
            self.store.commit(
                LearningChange(write_id=record.choose_course_id, choose_course=record)
            )
        paid = [self._paid(f"{student}-{number}", day) for number, day in PAID_ON_DAY.items()]
        return [*paid, *(self._refunded(f"{student}-{number}") for number in GONE)]

    def _paid(self, record_id: str, day: int) -> OutboxMessage:
        moment = START + timedelta(days=day)
        result = a_pay_result(record_id, paid_at=moment, valid_days=DAYS)
        result = replace(result, message_id=f"{record_id}-paid", order_id=record_id)
        return replace(paid_event(result, moment), exchange=self._payments.subscription.exchange)

    def _refunded(self, record_id: str) -> OutboxMessage:
        result = a_refund_result(record_id, refund_no=f"{record_id}-refund")
        event = refund_event(replace(result, order_id=record_id), result.refunded_at)
        return replace(event, exchange=self._refunds.subscription.exchange)

    def relay(self, messages: Sequence[OutboxMessage]) -> None:
        put_by_transactions(self._dynamo, messages)
        now = SystemClock().now()
        records = [an_insert(m, 100 + place, put_at=now) for place, m in enumerate(messages)]
        assert self._relay.publish(records) == {"batchItemFailures": []}

    def drain(self, exchange: str, count: int) -> DrainReport:
        """Drain until that many messages have their outcome."""
        wire, handler = self._wires[exchange], self._handlers[exchange]
        give_up = Deadline.after(ANSWER_SECONDS)
        handled: list[str] = []

        def handle_and_note(delivery: Delivery) -> Outcome:
            outcome = handler(delivery)
            handled.append(delivery.message_id)
            return outcome

        def remaining_millis() -> int:
            assert not give_up.passed(), f"{len(handled)} of {count} messages came"
            return 0 if len(handled) >= count else 60_000

        limits = DrainLimits(window_seconds=2 * ANSWER_SECONDS, prefetch=5)
        drain = Drain(connector(wire.address), wire.subscription, handle_and_note, limits)
        return drain.run(remaining_millis)

    def hear(self, *batches: Sequence[OutboxMessage]) -> None:
        """Batches go out one after the other, and are heard by both drains at the same time."""
        for batch in batches:
            self.relay(batch)
        counts = Counter(message.exchange for batch in batches for message in batch)
        with ThreadPoolExecutor(len(counts)) as beside:
            reports = list(beside.map(self.drain, counts.keys(), counts.values()))
        assert [report.acked for report in reports] == list(counts.values())

    def ends_of(self, students: Iterable[str]) -> dict[str, End]:
        return {student: self.end_of(student) for student in students}

    def end_of(self, student: str) -> End:
        row = self.store.course_row(student, "1002")
        assert row is not None
        records = [self.store.choose_course(f"{student}-{number}") for number in PAID_ON_DAY]
        return End(
            opens=row.valid_from,
            ends=row.valid_to,
            statuses=tuple(record.status for record in records if record is not None),
            grants=tuple(
                (grant.choose_course_id.removeprefix(f"{student}-"), grant.revoked)
                for grant in row.grants
            ),
        )

    def left_over(self) -> list[bytes]:
        return [
            body
            for wire in self._wires.values()
            for queue in wire.subscription.queues()
            for body in wire.bodies(queue.name)
        ]


@pytest.fixture
def refund_wire(broker: Broker | ExternalBroker) -> Iterator[Wire]:
    """The second exchange, with queues that nobody else uses."""
    name = f"test-{uuid.uuid4().hex[:8]}-refund"
    wire = Wire(broker, Subscription(f"{name}.exchange", f"{name}.queue", (1, 2)))
    yield wire
    wire.clean_up()


@pytest.fixture
def bench(
    wire: Wire, refund_wire: Wire, local_settings: Settings, create_tables: CreateTables
) -> Iterator[Bench]:
    create_tables(OutboxItem, CourseItem, ChooseCourseItem, CourseTableItem)
    bench = Bench(wire, refund_wire, local_settings)
    yield bench
    bench.publisher.close()


def test_i5_every_order_of_payments_and_refunds_leaves_the_same_course(bench: Bench) -> None:
    """A student for each order: the first messages of all travel together, then the second ones."""
    orders = {f"student-{place}": order for place, order in enumerate(ORDERS)}
    messages = {student: bench.messages_for(student) for student in orders}

    for place in range(MESSAGES):
        bench.hear([messages[student][order[place]] for student, order in orders.items()])

    assert bench.ends_of(orders) == dict.fromkeys(orders, EXPECTED)
    assert bench.left_over() == []


def test_i5_messages_heard_by_both_drains_at_once_and_again_leave_the_same_course(
    bench: Bench,
) -> None:
    chance = random.Random(60202)
    orders = {f"student-{place}": order for place, order in enumerate(chance.sample(ORDERS, 12))}
    heard: list[OutboxMessage] = []
    for student, order in orders.items():
        messages = bench.messages_for(student)
        heard += [messages[number] for number in order]

    bench.hear(heard, chance.sample(heard, 20))

    assert bench.ends_of(orders) == dict.fromkeys(orders, EXPECTED)
    assert bench.left_over() == []
