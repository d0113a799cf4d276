"""What every `LearningStore` promises, held against the fake and against DynamoDB."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.errors import StaleWrite
from chalicelib.learning.model import ChooseCourse, CourseRow
from chalicelib.learning.ports import LearningChange, LearningStore
from tests.fakes.clock import START
from tests.unit.learning.builders import (
    STUDENT,
    a_course,
    a_free_course,
    a_grant,
    a_pending_record,
    a_row,
)


def stored(store: LearningStore, choose_course_id: str = "500") -> ChooseCourse:
    record = store.choose_course(choose_course_id)
    assert record is not None
    return record


def stored_row(store: LearningStore) -> CourseRow:
    row = store.course_row(STUDENT, "1002")
    assert row is not None
    return row


def open_pending(store: LearningStore, choose_course_id: str = "500", write: str = "w1") -> None:
    record = a_pending_record(choose_course_id)
    store.commit(LearningChange(write_id=write, choose_course=record, open_pending=True))


@pytest.mark.parametrize(
    "course",
    [
        a_course(),
        a_free_course(valid_days=None),
        a_course(charge=None, price_fen=None, valid_days=None),
        a_course(price_fen=0),
    ],
)
def test_a_course_comes_back_as_it_was_imported(store, course):
    store.put_course(course)

    assert store.course(course.course_id) == course


def test_an_imported_course_replaces_the_older_one(store):
    store.put_course(a_course())
    store.put_course(a_course(price_fen=None))

    assert store.course("1002") == a_course(price_fen=None)


def test_what_is_not_there_is_none(store):
    assert store.course("1") is None
    assert store.choose_course("1") is None
    assert store.pending(STUDENT, "1") is None
    assert store.course_row(STUDENT, "1") is None
    assert store.course_rows(STUDENT) == ()


def test_a_pending_record_is_found_by_its_id_and_by_user_and_course(store):
    open_pending(store)

    expected = replace(a_pending_record(), version=1)
    assert store.choose_course("500") == expected
    assert store.pending(STUDENT, "1002") == expected
    assert store.pending(STUDENT, "1003") is None
    assert store.pending("student-2", "1002") is None


@pytest.mark.parametrize("text", [f"pending#{STUDENT}#1002", "", "5" * 3000, "五百"])
def test_a_text_that_is_no_record_id_finds_nothing(store, text):
    open_pending(store)

    assert store.choose_course(text) is None


def test_a_second_pending_record_of_a_user_and_course_is_refused_whole(store):
    open_pending(store, "500", "w1")

    with pytest.raises(StaleWrite):
        open_pending(store, "501", "w2")

    assert store.choose_course("501") is None
    assert stored(store).version == 1


def test_user_ids_with_a_hash_do_not_share_a_guard(store):
    for user_id, course_id, number in (("a#b", "c", "1"), ("a", "b-c", "2"), ("a#b#c", "d", "3")):
        record = a_pending_record(number, user_id=user_id, course_id=course_id)
        store.commit(LearningChange(write_id=number, choose_course=record, open_pending=True))

    found = store.pending("a#b", "c")
    assert found is not None
    assert found.choose_course_id == "1"


def test_a_repeated_write_is_left_alone(store):
    open_pending(store)
    open_pending(store)

    assert stored(store).version == 1


def test_a_grant_changes_record_guard_and_row_together(store):
    open_pending(store)
    chosen = stored(store).chosen(START, 365)
    change = LearningChange(
        write_id="w2",
        choose_course=chosen,
        course_row=a_row(chosen.grant()),
        close_pending=True,
    )

    store.commit(change)
    store.commit(change)

    assert store.choose_course("500") == replace(chosen, version=2)
    assert store.pending(STUDENT, "1002") is None
    assert store.course_row(STUDENT, "1002") == replace(a_row(chosen.grant()), version=1)


def test_a_grant_on_a_stale_row_writes_nothing(store):
    open_pending(store)
    store.commit(LearningChange(write_id="w2", course_row=a_row(a_grant("499"))))
    chosen = stored(store).chosen(START, 365)

    with pytest.raises(StaleWrite):
        store.commit(
            LearningChange(
                write_id="w3",
                choose_course=chosen,
                course_row=a_row(chosen.grant()),
                close_pending=True,
            )
        )

    assert store.choose_course("500") == replace(a_pending_record(), version=1)
    assert store.pending(STUDENT, "1002") is not None
    assert [grant.choose_course_id for grant in stored_row(store).grants] == ["499"]


def test_a_record_of_an_old_version_is_not_written(store):
    open_pending(store)
    stale = stored(store)
    store.commit(LearningChange(write_id="w2", choose_course=replace(stale, valid_days=10)))

    with pytest.raises(StaleWrite):
        store.commit(LearningChange(write_id="w3", choose_course=replace(stale, valid_days=20)))

    assert stored(store).valid_days == 10


def test_a_guard_that_names_another_record_stays(store):
    other = a_pending_record("499")
    store.commit(LearningChange(write_id="w1", choose_course=other))
    open_pending(store, "500", "w2")

    store.commit(
        LearningChange(
            write_id="w3", choose_course=stored(store, "499").chosen(START, 30), close_pending=True
        )
    )

    pending = store.pending(STUDENT, "1002")
    assert pending is not None
    assert pending.choose_course_id == "500"


def test_the_guard_can_be_taken_again_once_it_is_given_back(store):
    open_pending(store, "500", "w1")
    store.commit(
        LearningChange(
            write_id="w2", choose_course=stored(store).chosen(START, 30), close_pending=True
        )
    )

    open_pending(store, "501", "w3")

    assert store.pending(STUDENT, "1002") == replace(a_pending_record("501"), version=1)


def test_a_refund_closes_record_row_and_guard_at_once(store):
    open_pending(store)
    chosen = stored(store).chosen(START, 365)
    store.commit(
        LearningChange(write_id="w2", choose_course=chosen, course_row=a_row(chosen.grant()))
    )

    store.commit(
        LearningChange(
            write_id="w3",
            choose_course=stored(store).refunded(),
            course_row=stored_row(store).with_revoked("500"),
            close_pending=True,
        )
    )

    refunded = replace(chosen.refunded(), version=3)
    assert store.choose_course("500") == refunded
    assert stored_row(store).grants == (a_grant("500", revoked=True),)
    open_pending(store, "501", "w4")
    assert store.pending(STUDENT, "1002") == replace(a_pending_record("501"), version=1)


def test_a_refunded_record_that_was_never_paid_has_no_pay_time(store):
    open_pending(store)

    refunded = stored(store).refunded()
    store.commit(LearningChange(write_id="w2", choose_course=refunded, close_pending=True))

    assert store.choose_course("500") == replace(refunded, version=2)
    assert stored(store).paid_at is None


def test_a_guard_shows_nothing_once_its_record_is_decided(store):
    open_pending(store)

    store.commit(LearningChange(write_id="w2", choose_course=stored(store).refunded()))

    assert store.pending(STUDENT, "1002") is None


@pytest.mark.parametrize("version_read", [0, 2])
def test_a_decision_is_held_to_the_row_that_it_was_made_on(store, version_read):
    store.commit(LearningChange(write_id="w1", course_row=a_row(a_grant("499"))))
    change = LearningChange(
        write_id="w2",
        choose_course=a_pending_record(),
        open_pending=True,
        while_row_version=version_read,
    )

    with pytest.raises(StaleWrite):
        store.commit(change)
    assert store.choose_course("500") is None

    store.commit(replace(change, while_row_version=1))
    assert store.pending(STUDENT, "1002") is not None


def test_a_decision_that_rests_on_no_row_holds_without_one(store):
    store.commit(
        LearningChange(
            write_id="w1",
            choose_course=a_pending_record(),
            open_pending=True,
            while_row_version=0,
        )
    )

    assert store.pending(STUDENT, "1002") is not None


def test_a_row_keeps_its_grants_and_its_time_of_learning(store):
    row = a_row(
        a_grant("1", valid_days=30),
        a_grant("2", paid_at=START + timedelta(days=90, microseconds=1), revoked=True),
    ).learned(START + timedelta(days=1))

    store.commit(LearningChange(write_id="w1", course_row=row))

    assert store.course_row(STUDENT, "1002") == replace(row, version=1)


def test_a_row_of_an_old_version_is_not_written(store):
    store.commit(LearningChange(write_id="w1", course_row=a_row(a_grant("1"))))

    with pytest.raises(StaleWrite):
        store.commit(LearningChange(write_id="w2", course_row=a_row(a_grant("2"))))

    assert [grant.choose_course_id for grant in stored_row(store).grants] == ["1"]


def test_a_course_table_has_the_rows_of_its_user_alone(store):
    for user_id, course_id in ((STUDENT, "1002"), (STUDENT, "1003"), ("student-2", "1002")):
        row = a_row(a_grant(), user_id=user_id, course_id=course_id)
        store.commit(LearningChange(write_id=f"{user_id}{course_id}", course_row=row))

    assert {row.course_id for row in store.course_rows(STUDENT)} == {"1002", "1003"}
    assert {row.user_id for row in store.course_rows(STUDENT)} == {STUDENT}
