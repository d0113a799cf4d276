"""A payment and its refund from the outbox to the course row, by two exchanges and two queues."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from dataclasses import replace

import pytest

from chalicelib.clock import SystemClock
from chalicelib.dynamo import Dynamo
from chalicelib.learning.grants import Granting
from chalicelib.learning.model import LearnStatus
from chalicelib.learning.ports import LearningChange
from chalicelib.learning.revocations import Revoking
from chalicelib.learning.rows import ChooseCourseItem, CourseItem, CourseTableItem
from chalicelib.learning.store import DynamoLearningStore
from chalicelib.mq.delivery import Delivery, Handler, Outcome
from chalicelib.mq.drain import Drain, DrainLimits, DrainReport
from chalicelib.mq.message import paid_event
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
from tests.unit.learning.builders import STUDENT, a_pay_result, a_pending_record, a_refund_result
from tests.unit.mq.builders import an_insert


@pytest.fixture
def refund_wire(broker: Broker | ExternalBroker) -> Iterator[Wire]:
    """The second exchange, with queues that nobody else uses."""
    name = f"test-{uuid.uuid4().hex[:8]}-refund"
    wire = Wire(broker, Subscription(f"{name}.exchange", f"{name}.queue", (1, 2)))
    yield wire
    wire.clean_up()


class Bench:
    """The relay, the two subscriptions of the learning centre, and its tables."""

    def __init__(self, wire: Wire, refund_wire: Wire, settings: Settings) -> None:
        self.payments, self.refunds = wire, refund_wire
        for each in (wire, refund_wire):
            each.declare()
        self._dynamo = Dynamo(settings)
        self.outbox = Outbox(self._dynamo)
        self.store = DynamoLearningStore(self._dynamo)
        topology = Topology((wire.subscription, refund_wire.subscription))
        self.publisher = RabbitPublisher(wire.address, topology, SystemClock())
        self.relay = Relay(self.outbox, self.publisher, topology, SystemClock(), RelayLimits())
        self.paid = replace(
            paid_event(a_pay_result("500"), START), exchange=wire.subscription.exchange
        )
        self.refunded = replace(
            refund_event(a_refund_result("500"), START), exchange=refund_wire.subscription.exchange
        )
        record = a_pending_record("500")
        self.store.commit(LearningChange(write_id="w", choose_course=record, open_pending=True))

    def relay_both(self) -> dict[str, list[dict[str, str]]]:
        """Put both messages into the outbox and relay them in one batch."""
        messages = (self.paid, self.refunded)
        put_by_transactions(self._dynamo, messages)
        now = SystemClock().now()
        return self.relay.publish(
            an_insert(message, 100 + number, put_at=now) for number, message in enumerate(messages)
        )

    def waiting(self) -> set[str]:
        return set(self.outbox.existing([self.paid.event_key, self.refunded.event_key]))

    def drain_payments(self) -> DrainReport:
        return drain_one(self.payments, PayResultSubscriber(OrderType.COURSE, Granting(self.store)))

    def drain_refunds(self) -> DrainReport:
        return drain_one(
            self.refunds, RefundResultSubscriber(OrderType.COURSE, Revoking(self.store))
        )


def drain_one(wire: Wire, handler: Handler) -> DrainReport:
    """Drain until one message has its outcome."""
    handled: list[str] = []
    give_up_at = time.monotonic() + ANSWER_SECONDS

    def handle_and_note(delivery: Delivery) -> Outcome:
        outcome = handler(delivery)
        handled.append(delivery.message_id)
        return outcome

    def remaining_millis() -> int:
        assert time.monotonic() < give_up_at, "no message came"
        return 0 if handled else 60_000

    limits = DrainLimits(window_seconds=2 * ANSWER_SECONDS, prefetch=5)
    drain = Drain(connector(wire.address), wire.subscription, handle_and_note, limits)
    return drain.run(remaining_millis)


@pytest.fixture
def bench(
    wire: Wire, refund_wire: Wire, local_settings: Settings, create_tables: CreateTables
) -> Iterator[Bench]:
    create_tables(OutboxItem, CourseItem, ChooseCourseItem, CourseTableItem)
    bench = Bench(wire, refund_wire, local_settings)
    yield bench
    bench.publisher.close()


@pytest.mark.parametrize("refund_first", [False, True])
def test_i5_a_refund_takes_the_course_away_whichever_queue_is_drained_first(
    bench: Bench, refund_first: bool
) -> None:
    assert bench.relay_both() == {"batchItemFailures": []}
    assert bench.waiting() == set()

    drains = [bench.drain_payments, bench.drain_refunds]
    for drain in reversed(drains) if refund_first else drains:
        assert drain() == DrainReport(acked=1)

    record, row = bench.store.choose_course("500"), bench.store.course_row(STUDENT, "1002")
    assert record is not None
    assert row is not None
    assert (record.status, record.paid_at) == (ChooseStatus.REFUNDED, START)
    assert [(grant.choose_course_id, grant.revoked) for grant in row.grants] == [("500", True)]
    assert row.learn_status(START) is LearnStatus.NOT_CHOSEN_OR_NOT_PAID
    assert bench.store.pending(STUDENT, "1002") is None
    for wire in (bench.payments, bench.refunds):
        assert wire.bodies(wire.subscription.work_queue) == []
        assert wire.bodies(wire.subscription.dead_queue) == []


def test_i4_while_the_queue_of_refunds_is_missing_refunds_wait_and_payments_go_on(
    bench: Bench,
) -> None:
    bench.refunds.on_channel(lambda c: c.queue_delete(bench.refunds.subscription.work_queue))

    assert bench.relay_both() == {"batchItemFailures": [{"itemIdentifier": "101"}]}

    assert bench.waiting() == {bench.refunded.event_key}
    assert bench.drain_payments() == DrainReport(acked=1)

    bench.refunds.declare()
    again = an_insert(bench.refunded, 101, put_at=SystemClock().now())
    assert bench.relay.publish([again]) == {"batchItemFailures": []}
    assert bench.drain_refunds() == DrainReport(acked=1)
    assert bench.waiting() == set()


def test_a_refund_of_no_record_is_dead_with_its_reason(bench: Bench) -> None:
    unknown = refund_event(a_refund_result("404"), START)
    bench.refunds.put(unknown.body.encode())

    assert bench.drain_refunds() == DrainReport(dead=1)

    ((properties, body),) = bench.refunds.take_all(bench.refunds.subscription.dead_queue)
    assert body == unknown.body.encode()
    assert properties.headers is not None
    assert properties.headers["x-reason"] == "no choose-course record '404'"
