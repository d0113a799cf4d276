"""A row that this version cannot read is the trouble of one message, not of the store."""

from __future__ import annotations

import pytest

from chalicelib.errors import UnreadableRow
from chalicelib.mq.delivery import Delivery, Handler, Retry
from chalicelib.mq.drain import DrainReport
from chalicelib.mq.message import paid_event
from chalicelib.mq.refund_message import refund_event
from chalicelib.purchasables import OrderType
from chalicelib.resources.grants import MaterialGranting
from chalicelib.resources.model import ChooseMaterial, OwnedMaterial
from chalicelib.resources.ports import ResourcesChange
from chalicelib.resources.revocations import MaterialRevoking
from chalicelib.selling.subscriber import PayResultSubscriber, RefundResultSubscriber
from tests.fakes.clock import START
from tests.fakes.mq import Queued
from tests.fakes.resources import FakeResourcesStore
from tests.unit.mq.builders import SUBSCRIPTION
from tests.unit.mq.test_drain import FIRST_RETRY, SECOND_RETRY, WORK, Bench
from tests.unit.resources.builders import (
    STUDENT,
    Library,
    a_material,
    a_pay_result,
    a_pending_record,
    a_refund_result,
)

DETAIL = "unreadable row: '701999' is not a valid ChooseStatus"


class StoreWithUnreadableRow(FakeResourcesStore):
    """Holds one record, or one owned row, of newer code."""

    def __init__(self, *, record: str = "", material: str = "") -> None:
        super().__init__()
        self._record = record
        self._material = material

    def choose_material(self, choose_material_id: str) -> ChooseMaterial | None:
        if choose_material_id == self._record:
            raise UnreadableRow(detail=DETAIL)
        return super().choose_material(choose_material_id)

    def owned(self, user_id: str, material_id: str) -> OwnedMaterial | None:
        if material_id == self._material:
            raise UnreadableRow(detail=DETAIL)
        return super().owned(user_id, material_id)


@pytest.mark.parametrize("unreadable", [{"record": "500"}, {"material": "3002"}])
@pytest.mark.parametrize("refunds", [False, True], ids=["payment", "refund"])
def test_a_delivery_for_an_unreadable_row_is_put_off(unreadable: dict[str, str], refunds: bool):
    store = StoreWithUnreadableRow(**unreadable)
    store.commit(ResourcesChange(write_id="w", choose_material=a_pending_record()))
    subscriber: Handler = PayResultSubscriber(OrderType.STUDY_MATERIAL, MaterialGranting(store))
    body = paid_event(a_pay_result("500"), START).body
    if refunds:
        subscriber = RefundResultSubscriber(OrderType.STUDY_MATERIAL, MaterialRevoking(store))
        body = refund_event(a_refund_result("500"), START).body

    assert subscriber(Delivery(tag=1, message_id="77", body=body.encode())) == Retry(DETAIL)
    assert len(store.commits) == 1


def test_an_unreadable_row_holds_up_none_of_20_and_its_letter_dies_after_its_attempts() -> None:
    store = StoreWithUnreadableRow(record="2001")
    bench = Bench()
    for number in range(2001, 2022):
        record = a_pending_record(str(number), material_id=str(number))
        store.commit(ResourcesChange(write_id=str(number), choose_material=record))
        body = paid_event(a_pay_result(str(number)), START).body
        bench.broker.queues[WORK].append(Queued(str(number), body.encode()))
    subscriber = PayResultSubscriber(OrderType.STUDY_MATERIAL, MaterialGranting(store))

    assert bench.run(subscriber) == DrainReport(acked=20, retried=1)

    bench.broker.expire(FIRST_RETRY, WORK)
    assert bench.run(subscriber) == DrainReport(retried=1)
    bench.broker.expire(SECOND_RETRY, WORK)
    assert bench.run(subscriber) == DrainReport(dead=1)
    (letter,) = bench.broker.queues[SUBSCRIPTION.dead_queue]
    assert letter.message_id == "2001"
    assert len(store.all_owned(STUDENT)) == 20


def test_a_click_on_an_unreadable_row_is_told_to_wait_and_buys_nothing() -> None:
    library = Library(a_material(), store=StoreWithUnreadableRow(material="3002"))

    with pytest.raises(UnreadableRow) as refused:
        library.choose()

    assert refused.value.http_status == 503
    assert library.store.commits == []
