"""A paid order opens its course, whatever happens to its message."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.errors import StaleWrite, Unavailable
from chalicelib.learning.grants import Granting
from chalicelib.learning.model import CourseRow, LearnStatus
from chalicelib.learning.ports import LearningChange
from chalicelib.mq.delivery import Ack, Dead, Delivery, Outcome, Pause
from chalicelib.mq.message import PayResult, paid_event
from chalicelib.purchasables import OrderType
from chalicelib.selling.codes import ChooseStatus
from chalicelib.selling.outcomes import AlreadyGranted, Granted, NotGrantable
from chalicelib.selling.subscriber import PayResultSubscriber
from tests.fakes.clock import START
from tests.fakes.learning import FakeLearningStore
from tests.unit.learning.builders import (
    STUDENT,
    School,
    a_course,
    a_grant,
    a_pay_result,
    a_pending_record,
    a_row,
)

THREE = ("500", "501", "502")


def store_with(*choose_course_ids: str) -> FakeLearningStore:
    store = FakeLearningStore()
    for number in choose_course_ids:
        record = a_pending_record(number)
        store.commit(LearningChange(write_id=number, choose_course=record))
    return store


def row_in(store: FakeLearningStore) -> CourseRow:
    row = store.course_row(STUDENT, "1002")
    assert row is not None
    return row


def test_a_grant_opens_the_course_in_one_transaction():
    school = School(a_course())
    record = school.choose().record
    before = len(school.store.commits)

    outcome = Granting(school.store).grant(a_pay_result(record.choose_course_id, valid_days=90))

    assert outcome == Granted()
    assert len(school.store.commits) == before + 1
    stored = school.store.choose_course(record.choose_course_id)
    assert stored is not None
    assert stored.status is ChooseStatus.CHOSEN
    assert stored.paid_at == START
    assert school.store.pending(STUDENT, "1002") is None
    assert row_in(school.store).valid_to == START + timedelta(days=90)


def test_validity_counts_from_the_payment_and_not_from_the_message():
    store = store_with("500")
    paid_at = START - timedelta(days=3)

    Granting(store).grant(a_pay_result("500", paid_at=paid_at, valid_days=10))

    assert row_in(store).valid_from == paid_at


def test_a_repeated_message_changes_nothing():
    store = store_with("500")
    granting = Granting(store)
    granting.grant(a_pay_result("500"))
    commits = len(store.commits)

    assert granting.grant(a_pay_result("500")) == AlreadyGranted()
    assert len(store.commits) == commits


def test_a_grant_whose_answer_was_lost_is_not_made_twice():
    store = store_with("500")
    store.lose_next_answer()
    with pytest.raises(Unavailable):
        Granting(store).grant(a_pay_result("500"))

    assert Granting(store).grant(a_pay_result("500")) == AlreadyGranted()
    assert len(row_in(store).grants) == 1


def test_a_refunded_record_is_not_granted_again():
    store = FakeLearningStore()
    refunded = replace(a_pending_record().chosen(START, 365), status=ChooseStatus.REFUNDED)
    store.commit(LearningChange(write_id="w", choose_course=refunded))

    assert Granting(store).grant(a_pay_result("500")) == AlreadyGranted()
    assert store.course_row(STUDENT, "1002") is None


def test_a_grant_that_lost_to_another_writer_reads_again():
    store = store_with("500", "501")
    granting = Granting(store)
    store.before_next_commit(lambda: granting.grant(a_pay_result("501", valid_days=10)))

    assert granting.grant(a_pay_result("500", valid_days=10)) == Granted()
    assert row_in(store).valid_to == START + timedelta(days=20)


def test_a_message_for_no_record_cannot_be_granted():
    outcome = Granting(FakeLearningStore()).grant(a_pay_result("404"))

    assert outcome == NotGrantable("no choose-course record '404'")


@pytest.mark.parametrize("valid_days", [0, -1, 36_501, 10**12])
def test_an_absurd_validity_cannot_be_granted(valid_days):
    store = store_with("500")

    outcome = Granting(store).grant(a_pay_result("500", valid_days=valid_days))

    assert outcome == NotGrantable(f"validDays {valid_days}")


payments = st.fixed_dictionaries(
    {
        number: st.tuples(st.integers(0, 24 * 500), st.integers(1, 400)).map(
            lambda terms, number=number: a_pay_result(
                number, paid_at=START + timedelta(hours=terms[0]), valid_days=terms[1]
            )
        )
        for number in THREE
    }
)


@given(payments, st.lists(st.sampled_from(THREE), max_size=8), st.permutations(THREE))
def test_every_order_and_repetition_of_messages_gives_the_same_row(
    messages: dict[str, PayResult], repeats: list[str], order: list[str]
):
    once = store_with(*THREE)
    for number in THREE:
        Granting(once).grant(messages[number])

    many = store_with(*THREE)
    for number in (*repeats, *order, *repeats):
        Granting(many).grant(messages[number])

    assert row_in(many) == row_in(once)
    assert many.records == once.records


# the subscriber: what a delivery leads to


class BrokenStore(FakeLearningStore):
    """Refuses every write."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def choose_course(self, choose_course_id: str):
        return a_pending_record(choose_course_id)

    def commit(self, change: LearningChange) -> None:
        raise self._error


def deliver(store: FakeLearningStore, body: bytes) -> Outcome:
    subscriber = PayResultSubscriber(OrderType.COURSE, Granting(store))
    return subscriber(Delivery(tag=1, message_id="9001", body=body))


def body_of(result: PayResult) -> bytes:
    return paid_event(result, START).body.encode()


def test_a_delivery_of_a_paid_course_is_acknowledged_once_it_is_stored():
    store = store_with("500")

    assert deliver(store, body_of(a_pay_result("500"))) == Ack()
    assert row_in(store).learn_status(START) is LearnStatus.MAY_LEARN


def test_a_repeated_delivery_is_acknowledged():
    store = store_with("500")
    deliver(store, body_of(a_pay_result("500")))

    assert deliver(store, body_of(a_pay_result("500"))) == Ack()


def test_another_services_order_is_acknowledged_and_ignored():
    store = store_with("500")
    material = a_pay_result("500", order_type=OrderType.STUDY_MATERIAL)

    assert deliver(store, body_of(material)) == Ack()
    assert store.course_row(STUDENT, "1002") is None


def test_another_services_order_needs_none_of_the_newer_keys():
    body = b'{"id":"1","messageType":"payresult_notify","businessKey1":"9","businessKey2":"60202"}'
    assert deliver(FakeLearningStore(), body) == Ack()


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"\xff", b'{"id": 1}', b'{"messageType": "refundresult_notify"}']
)
def test_a_malformed_delivery_is_dead_at_once(body):
    assert isinstance(deliver(FakeLearningStore(), body), Dead)


def test_a_delivery_for_no_record_is_dead_at_once():
    assert isinstance(deliver(FakeLearningStore(), body_of(a_pay_result("404"))), Dead)


@pytest.mark.parametrize("error", [Unavailable(), StaleWrite()], ids=["unavailable", "stale"])
def test_a_delivery_waits_while_our_own_store_cannot_be_used(error):
    outcome = deliver(BrokenStore(error), body_of(a_pay_result("500")))

    assert isinstance(outcome, Pause)


def test_a_row_that_has_grants_already_gets_one_more():
    store = store_with("500")
    store.commit(LearningChange(write_id="w", course_row=a_row(a_grant("400", valid_days=10))))

    Granting(store).grant(a_pay_result("500", valid_days=10))

    assert row_in(store).valid_to == START + timedelta(days=20)
