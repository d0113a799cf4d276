"""Clicks and messages at the same moment, on the fake and on DynamoDB."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TypeVar

import pytest

from chalicelib.learning.choose import Chosen
from chalicelib.learning.grants import Granting
from chalicelib.learning.model import CourseRow, LearnStatus
from chalicelib.learning.ports import LearningChange, LearningStore
from chalicelib.learning.revocations import Revoking
from chalicelib.learning.service import LearningService
from chalicelib.selling.codes import ChooseStatus
from chalicelib.selling.outcomes import AlreadyGranted, Granted
from tests.fakes.clock import START, FakeClock
from tests.fakes.learning import FakePurchases
from tests.fakes.numbers import FakeNumbers
from tests.unit.learning.builders import (
    RENEW_WINDOW,
    STUDENT,
    a_course,
    a_free_course,
    a_pay_result,
    a_pending_record,
    a_refund_result,
)

_T = TypeVar("_T")
CLICKS = 6


def at_once(calls: Sequence[Callable[[], _T]]) -> list[_T]:
    together = threading.Barrier(len(calls))

    def run(call: Callable[[], _T]) -> _T:
        together.wait(timeout=30)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def service_on(store: LearningStore) -> LearningService:
    return LearningService(
        store=store,
        purchases=FakePurchases(),
        numbers=FakeNumbers(),
        clock=FakeClock(),
        renew_window=RENEW_WINDOW,
    )


def row_in(store: LearningStore) -> CourseRow:
    row = store.course_row(STUDENT, "1002")
    assert row is not None
    return row


@pytest.mark.parametrize("round_number", range(5))
@pytest.mark.parametrize("course", [a_free_course("1002", valid_days=7), a_course("1002")])
def test_clicks_at_once_make_one_record(store: LearningStore, course, round_number):
    store.put_course(course)
    service = service_on(store)

    def click() -> Chosen:
        return service.choose(STUDENT, "1002")

    chosen = at_once([click] * CLICKS)

    assert len({each.record.choose_course_id for each in chosen}) == 1
    row = store.course_row(STUDENT, "1002")
    assert len(row.grants if row else ()) == (1 if course.price_fen is None else 0)


@pytest.mark.parametrize("round_number", range(3))
def test_one_message_delivered_to_many_consumers_grants_once(store: LearningStore, round_number):
    service = service_on(store)
    store.put_course(a_course())
    record = service.choose(STUDENT, "1002").record
    result = a_pay_result(record.choose_course_id, valid_days=10)

    outcomes = at_once([lambda: Granting(store).grant(result)] * CLICKS)

    assert outcomes.count(Granted()) == 1
    assert outcomes.count(AlreadyGranted()) == CLICKS - 1
    assert row_in(store).valid_to == START + timedelta(days=10)


def test_messages_of_one_course_at_once_all_count(store: LearningStore):
    numbers = ("500", "501", "502", "503")
    for number in numbers:
        record = a_pending_record(number)
        store.commit(LearningChange(write_id=number, choose_course=record))
    results = [a_pay_result(number, valid_days=10) for number in numbers]

    at_once([lambda result=result: Granting(store).grant(result) for result in results])

    assert row_in(store).valid_to == START + timedelta(days=40)


@pytest.mark.parametrize("round_number", range(3))
def test_a_payment_and_its_refund_at_once_leave_the_course_closed(
    store: LearningStore, round_number
):
    service = service_on(store)
    store.put_course(a_course())
    record_id = service.choose(STUDENT, "1002").record.choose_course_id
    paid, refunded = a_pay_result(record_id), a_refund_result(record_id)

    def grant() -> None:
        Granting(store).grant(paid)

    def revoke() -> None:
        Revoking(store).revoke(refunded)

    at_once([grant, revoke] * 3)

    record = store.choose_course(record_id)
    assert record is not None
    assert (record.status, record.paid_at) == (ChooseStatus.REFUNDED, START)
    assert [grant.revoked for grant in row_in(store).grants] == [True]
    assert store.pending(STUDENT, "1002") is None
    assert service.choose(STUDENT, "1002").record.choose_course_id != record_id


def test_a_click_beside_the_grant_of_its_record_makes_no_second_one(store: LearningStore):
    service = service_on(store)
    store.put_course(a_course())
    record = service.choose(STUDENT, "1002").record
    result = a_pay_result(record.choose_course_id)

    def grant() -> None:
        Granting(store).grant(result)

    def click() -> None:
        assert service.choose(STUDENT, "1002").record.choose_course_id == record.choose_course_id

    at_once([grant, click, click, click])

    assert store.pending(STUDENT, "1002") is None
    assert row_in(store).learn_status(START) is LearnStatus.MAY_LEARN


def test_a_write_whose_answer_was_lost_is_known_again(echoing_store: LearningStore):
    service = service_on(echoing_store)
    echoing_store.put_course(a_course())

    record = service.choose(STUDENT, "1002").record
    assert Granting(echoing_store).grant(a_pay_result(record.choose_course_id)) == Granted()
    service.record_learning(STUDENT, "1002")

    stored = echoing_store.choose_course(record.choose_course_id)
    assert stored is not None
    assert (stored.status, stored.version) == (ChooseStatus.CHOSEN, 2)
    assert row_in(echoing_store).version == 2
