"""Adding a course: one click or many, one record."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from chalicelib.errors import GoodsBeingOpened, Unavailable
from chalicelib.learning.grants import Granting
from chalicelib.learning.model import LearnStatus
from chalicelib.selling.codes import Charge, ChooseStatus, ChooseType, PublishStatus
from tests.fakes.clock import START
from tests.unit.learning.builders import STUDENT, School, a_course, a_free_course, a_pay_result


def paid_for(school: School, choose_course_id: str, *, valid_days: int = 365) -> None:
    Granting(school.store).grant(
        a_pay_result(choose_course_id, paid_at=school.clock.now(), valid_days=valid_days)
    )


def test_a_free_course_is_open_at_once_in_one_transaction():
    school = School(a_free_course(valid_days=180))

    chosen = school.choose("1001")

    assert chosen.record.status is ChooseStatus.CHOSEN
    assert chosen.record.choose_type is ChooseType.FREE
    assert chosen.record.price_fen == 0
    assert chosen.learn_status is LearnStatus.MAY_LEARN
    assert len(school.store.commits) == 1
    row = school.store.course_row(STUDENT, "1001")
    assert row is not None
    assert row.valid_to == START + timedelta(days=180)


def test_a_free_course_without_validity_is_open_for_a_year():
    school = School(a_free_course(valid_days=None))

    chosen = school.choose("1001")

    assert chosen.record.valid_days == 365
    assert chosen.row.valid_to == START + timedelta(days=365)


def test_a_paid_course_awaits_payment():
    school = School(a_course(price_fen=990, valid_days=90))

    chosen = school.choose()

    assert chosen.record.status is ChooseStatus.AWAITING_PAYMENT
    assert chosen.record.choose_type is ChooseType.PAID
    assert (chosen.record.price_fen, chosen.record.valid_days) == (990, 90)
    assert chosen.learn_status is LearnStatus.NOT_CHOSEN_OR_NOT_PAID
    assert len(school.store.commits) == 1
    assert school.store.course_row(STUDENT, "1002") is None


@pytest.mark.parametrize("course_id", ["1001", "1002"])
def test_a_repeated_click_gets_the_same_record(course_id):
    school = School(a_free_course(), a_course())

    first = school.choose(course_id).record.choose_course_id
    school.clock.advance(hours=1)

    assert school.choose(course_id).record.choose_course_id == first
    assert len(school.store.records) == 1


@pytest.mark.parametrize("course_id", ["1001", "1002"])
def test_the_slower_of_two_clicks_gets_the_record_of_the_faster(course_id):
    school = School(a_free_course(), a_course())
    faster = []
    school.store.before_next_commit(lambda: faster.append(school.choose(course_id)))

    slower = school.choose(course_id)

    assert slower.record.choose_course_id == faster[0].record.choose_course_id
    assert len(school.store.records) == 1


@pytest.mark.parametrize("valid_days", [1, 7, 30, 180])
def test_a_double_click_on_a_short_free_course_opens_it_once(valid_days):
    school = School(a_free_course(valid_days=valid_days))

    school.choose("1001")
    chosen = school.choose("1001")

    assert chosen.row.valid_to == START + timedelta(days=valid_days)


def test_many_clicks_at_once_make_one_record():
    school = School(a_course())
    together = threading.Barrier(8)

    def click(_: int) -> str:
        together.wait(timeout=10)
        return school.choose().record.choose_course_id

    with ThreadPoolExecutor(8) as pool:
        ids = set(pool.map(click, range(8)))

    assert len(ids) == 1
    assert len(school.store.records) == 1


def test_a_click_whose_answer_was_lost_is_repeated_safely():
    school = School(a_course())
    school.store.lose_next_answer()
    with pytest.raises(Unavailable):
        school.choose()

    school.choose()

    assert len(school.store.records) == 1


def test_students_do_not_share_records():
    school = School(a_course())

    mine, theirs = school.choose(), school.choose(user_id="student-2")

    assert mine.record.choose_course_id != theirs.record.choose_course_id
    assert theirs.record.user_id == "student-2"


def test_a_pending_record_shows_todays_terms():
    school = School(a_course(price_fen=100))
    first = school.choose().record
    school.store.put_course(a_course(price_fen=250, valid_days=30, name="支付接入实战（第二版）"))

    again = school.choose().record

    assert again.choose_course_id == first.choose_course_id
    assert (again.price_fen, again.valid_days) == (250, 30)
    assert again.course_name == "支付接入实战（第二版）"
    stored = school.store.choose_course(first.choose_course_id)
    assert stored is not None
    assert stored.price_fen == 250


def test_a_pending_record_with_unchanged_terms_is_not_written_again():
    school = School(a_course())
    school.choose()
    school.choose()

    assert len(school.store.commits) == 1


def test_a_course_that_is_owned_gives_its_record_back():
    school = School(a_course())
    record = school.choose().record
    paid_for(school, record.choose_course_id)
    school.clock.advance(days=100)

    again = school.choose()

    assert again.record.choose_course_id == record.choose_course_id
    assert again.record.status is ChooseStatus.CHOSEN
    assert again.learn_status is LearnStatus.MAY_LEARN


def test_a_course_that_is_owned_is_not_lost_when_it_goes_offline():
    school = School(a_course())
    paid_for(school, school.choose().record.choose_course_id)
    school.store.put_course(a_course(publish_status=PublishStatus.OFFLINE))

    assert school.choose().learn_status is LearnStatus.MAY_LEARN


def test_a_course_near_its_end_can_be_renewed():
    school = School(a_course())
    first = school.choose().record
    paid_for(school, first.choose_course_id)
    school.clock.advance(days=340)

    renewal = school.choose()
    assert renewal.record.choose_course_id != first.choose_course_id
    assert renewal.record.status is ChooseStatus.AWAITING_PAYMENT
    assert renewal.learn_status is LearnStatus.MAY_LEARN

    paid_for(school, renewal.record.choose_course_id)
    row = school.store.course_row(STUDENT, "1002")
    assert row is not None
    assert row.valid_to == START + timedelta(days=730)


def test_an_expired_course_can_be_bought_again():
    school = School(a_course(valid_days=10))
    paid_for(school, school.choose().record.choose_course_id, valid_days=10)
    school.clock.advance(days=50)

    again = school.choose()
    assert again.learn_status is LearnStatus.EXPIRED
    assert again.record.status is ChooseStatus.AWAITING_PAYMENT

    paid_for(school, again.record.choose_course_id, valid_days=10)
    assert school.choose().learn_status is LearnStatus.MAY_LEARN


def test_an_expired_free_course_is_opened_again():
    school = School(a_free_course(valid_days=10))
    first = school.choose("1001").record
    school.clock.advance(days=11)

    again = school.choose("1001")

    assert again.record.choose_course_id != first.choose_course_id
    assert again.row.valid_from == school.clock.now()
    assert again.row.valid_to == school.clock.now() + timedelta(days=10)


def test_a_course_that_is_paid_but_not_granted_yet_is_being_opened():
    school = School(a_course())
    record = school.choose().record
    school.purchases.paid.add(record.choose_course_id)

    with pytest.raises(GoodsBeingOpened) as refused:
        school.choose()

    assert refused.value.message == "订单已支付，正在开通"
    assert len(school.store.commits) == 1


def test_a_course_that_is_granted_between_the_reads_and_the_write_is_not_chosen_again():
    """A payment that lands in between opens the course; the click gets the record it opened."""
    school = School(a_course(valid_days=10))
    first = school.choose().record
    paid_for(school, first.choose_course_id, valid_days=10)
    school.clock.advance(days=20)

    def a_renewal_is_chosen_and_paid() -> None:
        renewal = school.choose().record
        paid_for(school, renewal.choose_course_id, valid_days=10)

    school.store.before_next_commit(a_renewal_is_chosen_and_paid)

    chosen = school.choose()

    assert chosen.learn_status is LearnStatus.MAY_LEARN
    assert chosen.record.status is ChooseStatus.CHOSEN
    assert len(school.store.records) == 2


def test_a_paid_course_that_became_free_is_open_at_once():
    school = School(a_course())
    pending = school.choose().record
    school.store.put_course(a_course(charge=Charge.FREE, price_fen=None))

    chosen = school.choose()

    assert chosen.record.status is ChooseStatus.CHOSEN
    assert chosen.record.choose_course_id != pending.choose_course_id
