"""A row that this version cannot read is the trouble of one message, not of the store."""

from __future__ import annotations

import pytest

from chalicelib.errors import UnreadableRow
from chalicelib.learning.grants import Granting
from chalicelib.learning.model import ChooseCourse
from chalicelib.learning.ports import LearningChange
from chalicelib.learning.revocations import Revoking
from chalicelib.mq.delivery import REASON_HEADER, Delivery, Handler, Retry
from chalicelib.mq.drain import DrainReport
from chalicelib.purchasables import OrderType
from chalicelib.selling.subscriber import PayResultSubscriber, RefundResultSubscriber
from tests.fakes.learning import FakeLearningStore
from tests.fakes.mq import Queued
from tests.unit.learning.builders import a_pending_record
from tests.unit.mq.builders import SUBSCRIPTION, a_message, a_refund_message
from tests.unit.mq.test_drain import FIRST_RETRY, SECOND_RETRY, WORK, Bench

DETAIL = "unreadable row: '701999' is not a valid ChooseStatus"


class StoreWithUnreadableRow(FakeLearningStore):
    """One of its choose-course records has a code of newer code, until it is mended."""

    def __init__(self, unreadable: str) -> None:
        super().__init__()
        self.unreadable = unreadable

    def choose_course(self, choose_course_id: str) -> ChooseCourse | None:
        if choose_course_id == self.unreadable:
            raise UnreadableRow(detail=DETAIL)
        return super().choose_course(choose_course_id)


@pytest.mark.parametrize("refunds", [False, True], ids=["payment", "refund"])
def test_a_delivery_for_an_unreadable_row_is_put_off(refunds: bool) -> None:
    store = StoreWithUnreadableRow("2001")
    subscriber: Handler = PayResultSubscriber(OrderType.COURSE, Granting(store))
    body = a_message(1).body
    if refunds:
        subscriber, body = (
            RefundResultSubscriber(OrderType.COURSE, Revoking(store)),
            a_refund_message(1).body,
        )

    outcome = subscriber(Delivery(tag=1, message_id="77", body=body.encode()))

    assert outcome == Retry(DETAIL)


def test_an_unreadable_row_holds_up_none_of_20_and_its_letter_dies_after_its_attempts() -> None:
    store = StoreWithUnreadableRow("2001")
    bench = Bench()
    for number in range(1, 22):
        record = a_pending_record(f"{2000 + number}", course_id=str(number))
        store.commit(LearningChange(write_id=str(number), choose_course=record))
        message = a_message(number)
        bench.broker.queues[WORK].append(Queued(message.message_id, message.body.encode()))
    subscriber = PayResultSubscriber(OrderType.COURSE, Granting(store))

    assert bench.run(subscriber) == DrainReport(acked=20, retried=1)

    bench.broker.expire(FIRST_RETRY, WORK)
    assert bench.run(subscriber) == DrainReport(retried=1)
    bench.broker.expire(SECOND_RETRY, WORK)
    assert bench.run(subscriber) == DrainReport(dead=1)
    (letter,) = bench.broker.queues[SUBSCRIPTION.dead_queue]
    assert letter.message_id == "1001"
    assert letter.headers[REASON_HEADER] == f"failed 3 times, at last: {DETAIL}"


def test_a_handler_that_lets_an_unreadable_row_through_is_put_off_too() -> None:
    bench = Bench()
    bench.put(b"1", b"2")

    def read(delivery: Delivery) -> Retry:
        raise UnreadableRow(detail=DETAIL)

    assert bench.run(read) == DrainReport(retried=2)
    assert [m.headers[REASON_HEADER] for m in bench.broker.queues[FIRST_RETRY]] == [DETAIL] * 2
