"""What a deleted queue took along comes back for study materials too: their seller is asked."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator

import pytest

from chalicelib.mq.drain import DrainReport
from chalicelib.mq.topology import Subscription
from chalicelib.orders.grant_audit import Audited, Step
from chalicelib.purchasables import SaleStatus
from chalicelib.selling.codes import ChooseStatus
from chalicelib.settings import Settings
from infra.local.services.broker import Broker, ExternalBroker
from tests.conftest import CreateTables
from tests.integration.mq.conftest import Wire
from tests.integration.mq.ordered_course import CHOSEN
from tests.integration.mq.ordered_material import TABLES, OrderedMaterial

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
def material(
    wire: Wire, refund_wire: Wire, local_settings: Settings, create_tables: CreateTables
) -> Iterator[OrderedMaterial]:
    create_tables(*TABLES)
    made = OrderedMaterial(wire, refund_wire, local_settings)
    yield made
    made.publisher.close()


def test_a_paid_material_that_went_with_its_queue_is_told_again_and_granted_once(
    material: OrderedMaterial,
) -> None:
    material.pay()
    (first,) = material.relay()
    told = json.loads(first)
    assert (told["businessKey2"], told["validDays"]) == ("60202", None)
    material.lose_the_queue()

    assert material.audit_in_time() == FOUND
    assert material.relay() == [first], "the same message to the byte"
    assert material.drain() == DrainReport(acked=1)
    assert material.is_open()
    once = material.written()

    material.wires[True].put(first.encode())  # somebody replays the lost one as well
    assert material.drain() == DrainReport(acked=1)
    assert material.written() == once

    assert material.audit_in_time() == WELL
    assert material.order.next_audit_at is None
    assert material.waiting() == []
    assert material.reports.count("PaidNotGranted") == 1


def test_a_refunded_material_that_went_with_its_queue_is_told_again_and_taken_back_once(
    material: OrderedMaterial,
) -> None:
    material.pay()
    material.relay()
    material.drain()
    material.refund()
    (first,) = material.relay()
    material.lose_the_queue(payments=False)
    assert material.is_open(), "nobody has heard of the refund"

    assert material.audit_in_time() == FOUND
    assert material.relay() == [first], "the same message to the byte, and no payment"
    assert material.drain(payments=False) == DrainReport(acked=1)
    assert not material.is_open()
    record = material.resources.choose_material(CHOSEN)
    assert record is not None
    assert record.status is ChooseStatus.REFUNDED

    assert material.audit_in_time() == WELL
    assert material.order.next_audit_at is None
    assert material.reports.count("RefundedNotRevoked") == 1


def test_the_audit_hears_what_the_seller_of_materials_says_and_nobody_is_unknown(
    material: OrderedMaterial,
) -> None:
    material.pay()
    order_id = material.order.order_id
    assert material.audit.audit(order_id).seller_says is SaleStatus.AWAITING_PAYMENT
    material.relay()
    material.drain()
    found = material.audit.audit(order_id)
    assert (found.seller_says, found.step) == (SaleStatus.GRANTED, Step.FOLLOWED)
