"""A deleted queue takes confirmed messages along; the grant audit brings them back, once."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from chalicelib.deadline import Deadline
from chalicelib.mq.drain import DrainReport
from chalicelib.mq.topology import Subscription
from chalicelib.orders.grant_audit import Audited, Step
from chalicelib.selling.codes import ChooseStatus
from chalicelib.settings import Settings
from infra.local.services.broker import Broker, ExternalBroker
from tests.conftest import CreateTables
from tests.integration.mq.conftest import Wire
from tests.integration.mq.ordered_course import CHOSEN, TABLES, OrderedCourse

FOUND = Audited(looked_at=1, missing=1, failed=0)
WELL = Audited(looked_at=1, missing=0, failed=0)


@pytest.fixture
def refund_wire(broker: Broker | ExternalBroker) -> Iterator[Wire]:
    """The second exchange, with queues that nobody else uses."""
    name = f"test-{uuid.uuid4().hex[:8]}-refund"
    wire = Wire(broker, Subscription(f"{name}.exchange", f"{name}.queue", (1, 2)))
    yield wire
    wire.clean_up()


@pytest.fixture
def course(
    wire: Wire, refund_wire: Wire, local_settings: Settings, create_tables: CreateTables
) -> Iterator[OrderedCourse]:
    create_tables(*TABLES)
    made = OrderedCourse(wire, refund_wire, local_settings)
    yield made
    made.publisher.close()


def test_a_payment_that_went_with_its_queue_is_told_again_and_granted_once(
    course: OrderedCourse,
) -> None:
    course.pay()
    (first,) = course.relay()
    course.lose_the_queue()

    assert course.audit_in_time() == FOUND
    assert course.relay() == [first], "the same message to the byte"
    assert course.drain() == DrainReport(acked=1)
    assert course.is_open()
    once = course.written()

    course.wires[True].put(first.encode())  # somebody replays the lost one as well
    assert course.drain() == DrainReport(acked=1)
    assert course.written() == once

    assert course.audit_in_time() == WELL
    assert course.order.next_audit_at is None
    assert course.waiting() == []
    assert course.reports.count("PaidNotGranted") == 1


def test_a_refund_that_went_with_its_queue_is_told_again_and_taken_back_once(
    course: OrderedCourse,
) -> None:
    course.pay()
    course.relay()
    course.drain()
    course.refund()
    (first,) = course.relay()
    course.lose_the_queue(payments=False)
    assert course.is_open(), "nobody has heard of the refund"

    assert course.audit_in_time() == FOUND
    assert course.relay() == [first], "the same message to the byte, and no payment"
    assert course.drain(payments=False) == DrainReport(acked=1)
    assert not course.is_open()
    record = course.learning.choose_course(CHOSEN)
    assert record is not None
    assert record.status is ChooseStatus.REFUNDED

    assert course.audit_in_time() == WELL
    assert course.order.next_audit_at is None
    assert course.reports.count("RefundedNotRevoked") == 1


def test_payment_and_refund_both_lost_end_in_a_refunded_course_without_a_payment_told_again(
    course: OrderedCourse,
) -> None:
    course.pay()
    course.relay()
    course.lose_the_queue()
    course.refund()
    course.relay()
    course.lose_the_queue(payments=False)

    assert course.audit_in_time() == FOUND
    (body,) = course.relay()
    assert '"refundresult_notify"' in body
    assert course.drain(payments=False) == DrainReport(acked=1)
    assert course.audit_in_time() == WELL
    assert not course.is_open()


def test_what_waits_in_the_outbox_is_left_there_and_told_when_it_was_dropped(
    course: OrderedCourse,
) -> None:
    course.pay()
    (waiting,) = course.waiting()
    assert course.audit_in_time() == FOUND
    assert course.waiting() == [waiting], "neither lost nor put again"
    assert course.order.audits == 1
    assert "GrantAuditsInOutbox" in course.reports

    course.drop_from_the_outbox(waiting)
    assert course.audit_in_time() == FOUND
    assert [m.body for m in course.waiting()] == [waiting.body]
    course.relay()
    course.drain()
    assert course.audit_in_time() == WELL


def test_of_several_audits_at_once_one_tells(course: OrderedCourse) -> None:
    course.pay()
    course.relay()
    course.lose_the_queue()
    assert course.order.next_audit_at is not None
    course.clock.set(course.order.next_audit_at)
    before = course.order.version
    together = threading.Barrier(4)

    def audit() -> Audited:
        together.wait()
        return course.another_audit().run(Deadline.after(30))

    with ThreadPoolExecutor(4) as pool:
        audits = [future.result() for future in [pool.submit(audit) for _ in range(4)]]

    assert sum(audited.missing for audited in audits) == 1
    assert all(audited.failed == 0 for audited in audits)
    assert len(course.waiting()) == 1
    assert (course.order.audits, course.order.version) == (1, before + 1)


def test_an_order_from_before_there_were_audits_is_audited_on_demand_and_followed_from_then_on(
    course: OrderedCourse,
) -> None:
    course.pay()
    course.relay()
    course.lose_the_queue()
    course.forget_the_audits()
    assert (course.order.audits, course.order.next_audit_at) == (0, None)

    assert course.audit.audit(course.order.order_id).step is Step.EMITTED
    course.relay()
    course.lose_the_queue()  # and once more
    assert course.audit_in_time() == FOUND
    course.relay()
    assert course.drain() == DrainReport(acked=1)
    assert course.audit_in_time() == WELL
    assert course.is_open()
