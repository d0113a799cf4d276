"""What a user sees of a course, and what the order service may sell, after a refund."""

from __future__ import annotations

import pytest

from chalicelib.errors import NotFound
from chalicelib.learning.course_table import TableQuery
from chalicelib.learning.grants import Granting
from chalicelib.learning.model import ChooseCourse, LearnStatus
from chalicelib.learning.revocations import Revoking
from chalicelib.learning.sale import CoursePurchasables
from chalicelib.mq.delivery import Ack, Dead, Delivery, Outcome, Pause
from chalicelib.mq.refund_message import RefundResult, refund_event
from chalicelib.purchasables import OrderType, SaleStatus
from chalicelib.selling.subscriber import RefundResultSubscriber
from tests.fakes.clock import START
from tests.fakes.learning import FakeLearningStore
from tests.unit.learning.builders import (
    STUDENT,
    School,
    a_course,
    a_pay_result,
    a_refund_result,
)


class Refunded(School):
    """A student bought course 1002, learnt it, and had the money back."""

    def __init__(self) -> None:
        super().__init__(a_course())
        self.record_id = self.choose().record.choose_course_id
        Granting(self.store).grant(a_pay_result(self.record_id))
        self.service.record_learning(STUDENT, "1002")
        Revoking(self.store).revoke(a_refund_result(self.record_id))


@pytest.fixture
def refunded() -> Refunded:
    return Refunded()


def test_the_course_may_not_be_learnt_any_more(refunded: Refunded):
    learning = refunded.service.learn_status(STUDENT, "1002")

    assert learning.learn_status is LearnStatus.NOT_CHOSEN_OR_NOT_PAID
    assert learning.row is None
    with pytest.raises(NotFound):
        refunded.service.record_learning(STUDENT, "1002")


def test_the_course_table_does_not_show_it(refunded: Refunded):
    assert refunded.service.course_table(STUDENT, TableQuery()).counts == 0


def test_the_refunded_record_is_taken_back_and_not_sold_again(refunded: Refunded):
    found = CoursePurchasables(refunded.store).get(refunded.record_id, OrderType.COURSE)

    assert found is not None
    assert found.status is SaleStatus.TAKEN_BACK
    assert found.status.is_refused


def test_a_record_whose_refund_was_heard_first_is_taken_back_as_well():
    school = School(a_course())
    record_id = school.choose().record.choose_course_id
    Revoking(school.store).revoke(a_refund_result(record_id))
    Granting(school.store).grant(a_pay_result(record_id))

    found = CoursePurchasables(school.store).get(record_id, OrderType.COURSE)
    assert found is not None
    assert found.status is SaleStatus.TAKEN_BACK


def test_choosing_again_makes_one_new_record_that_is_for_sale(refunded: Refunded):
    again = refunded.choose().record

    assert again.choose_course_id != refunded.record_id
    assert refunded.choose().record.choose_course_id == again.choose_course_id
    found = CoursePurchasables(refunded.store).get(again.choose_course_id, OrderType.COURSE)
    assert found is not None
    assert found.status is SaleStatus.AWAITING_PAYMENT


class RefundsWhileRead(FakeLearningStore):
    """The refund of a record is stored just before the record is read the next time."""

    refund: RefundResult | None = None

    def choose_course(self, choose_course_id: str) -> ChooseCourse | None:
        refund, self.refund = self.refund, None
        if refund is not None:
            Revoking(self).revoke(refund)
        return super().choose_course(choose_course_id)


def test_a_click_beside_the_refund_never_answers_with_the_refunded_record():
    store = RefundsWhileRead()
    school = School(a_course(), store=store)
    record_id = school.choose().record.choose_course_id
    Granting(store).grant(a_pay_result(record_id))
    store.refund = a_refund_result(record_id)

    chosen = school.choose()

    assert chosen.record.choose_course_id != record_id
    assert chosen.learn_status is LearnStatus.NOT_CHOSEN_OR_NOT_PAID


# the subscriber: what a delivery leads to


def deliver(store: FakeLearningStore, body: bytes) -> Outcome:
    subscriber = RefundResultSubscriber(OrderType.COURSE, Revoking(store))
    return subscriber(Delivery(tag=1, message_id="7001", body=body))


def body_of(result: RefundResult) -> bytes:
    return refund_event(result, START).body.encode()


def paid_school() -> tuple[School, str]:
    school = School(a_course())
    record_id = school.choose().record.choose_course_id
    Granting(school.store).grant(a_pay_result(record_id))
    return school, record_id


def test_a_delivery_of_a_refund_is_acknowledged_once_it_is_stored_and_when_it_is_repeated():
    school, record_id = paid_school()
    body = body_of(a_refund_result(record_id))

    assert deliver(school.store, body) == Ack()
    assert deliver(school.store, body) == Ack()
    status = school.service.learn_status(STUDENT, "1002").learn_status
    assert status is LearnStatus.NOT_CHOSEN_OR_NOT_PAID


def test_another_services_refund_is_acknowledged_and_ignored():
    school, record_id = paid_school()
    material = a_refund_result(record_id, order_type=OrderType.STUDY_MATERIAL)

    assert deliver(school.store, body_of(material)) == Ack()
    assert school.service.learn_status(STUDENT, "1002").learn_status is LearnStatus.MAY_LEARN


def test_another_services_refund_needs_none_of_the_keys_of_ours():
    body = (
        b'{"id":"1","messageType":"refundresult_notify","businessKey1":"9","businessKey2":"60202"}'
    )
    assert deliver(FakeLearningStore(), body) == Ack()


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"\xff", b'{"id": 1}', b'{"messageType": "payresult_notify"}']
)
def test_a_malformed_delivery_is_dead_at_once(body):
    assert isinstance(deliver(FakeLearningStore(), body), Dead)


def test_a_delivery_for_no_record_is_dead_at_once():
    assert isinstance(deliver(FakeLearningStore(), body_of(a_refund_result("404"))), Dead)


def test_a_refund_waits_while_our_own_store_cannot_be_used():
    school, record_id = paid_school()
    school.store.lose_next_answer()
    body = body_of(a_refund_result(record_id))

    assert isinstance(deliver(school.store, body), Pause)
    assert deliver(school.store, body) == Ack()
