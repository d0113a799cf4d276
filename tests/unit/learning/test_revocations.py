"""A refund takes back what its own record opened, whatever happens to its message."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.errors import Unavailable
from chalicelib.learning.grants import Granting
from chalicelib.learning.model import ChooseCourse, CourseRow, LearnStatus
from chalicelib.learning.ports import LearningChange
from chalicelib.learning.revocations import Revoking
from chalicelib.mq.message import PayResult
from chalicelib.mq.refund_message import RefundResult
from chalicelib.selling.codes import ChooseStatus
from chalicelib.selling.outcomes import (
    AlreadyGranted,
    AlreadyRevoked,
    Granted,
    NotRevocable,
    RefundedBefore,
    Revoked,
)
from tests.fakes.clock import START
from tests.fakes.learning import FakeLearningStore
from tests.unit.learning.builders import (
    STUDENT,
    School,
    a_course,
    a_pay_result,
    a_pending_record,
    a_refund_result,
)

Message = PayResult | RefundResult
DAY = timedelta(days=1)


def store_with(*choose_course_ids: str) -> FakeLearningStore:
    store = FakeLearningStore()
    for number in choose_course_ids:
        record = a_pending_record(number)
        store.commit(LearningChange(write_id=number, choose_course=record))
    return store


def hear(store: FakeLearningStore, *messages: Message) -> None:
    for message in messages:
        if isinstance(message, PayResult):
            Granting(store).grant(message)
        else:
            Revoking(store).revoke(message)


def stored(store: FakeLearningStore, choose_course_id: str = "500") -> ChooseCourse:
    record = store.choose_course(choose_course_id)
    assert record is not None
    return record


def row_in(store: FakeLearningStore) -> CourseRow:
    row = store.course_row(STUDENT, "1002")
    assert row is not None
    return row


def settled(store: FakeLearningStore) -> tuple[CourseRow | None, tuple[ChooseCourse, ...]]:
    """All that is stored, but for how many writes it took."""
    row = store.course_row(STUDENT, "1002")
    return (
        replace(row, version=0) if row else None,
        tuple(replace(record, version=0) for record in store.records),
    )


def test_a_refund_closes_the_course_in_one_transaction():
    store = store_with("500")
    hear(store, a_pay_result("500"))
    before = len(store.commits)

    assert Revoking(store).revoke(a_refund_result("500")) == Revoked()

    assert len(store.commits) == before + 1
    assert stored(store).status is ChooseStatus.REFUNDED
    assert row_in(store).learn_status(START) is LearnStatus.NOT_CHOSEN_OR_NOT_PAID
    assert [(g.choose_course_id, g.revoked) for g in row_in(store).grants] == [("500", True)]


def test_a_refund_of_one_of_two_grants_keeps_the_other_and_its_time():
    store = store_with("500", "501")
    hear(store, a_pay_result("500", valid_days=10))
    hear(store, a_pay_result("501", paid_at=START + 5 * DAY, valid_days=10))
    assert row_in(store).valid_to == START + 20 * DAY

    hear(store, a_refund_result("500"))

    assert row_in(store).valid_from == START + 5 * DAY
    assert row_in(store).valid_to == START + 15 * DAY
    assert stored(store, "501").status is ChooseStatus.CHOSEN


def test_a_repeated_refund_changes_nothing():
    store = store_with("500")
    hear(store, a_pay_result("500"), a_refund_result("500"))
    commits = len(store.commits)

    assert Revoking(store).revoke(a_refund_result("500")) == AlreadyRevoked()
    assert Revoking(store).revoke(a_refund_result("500", refund_no="7002")) == AlreadyRevoked()
    assert len(store.commits) == commits


def test_a_refund_whose_answer_was_lost_is_known_again():
    store = store_with("500")
    hear(store, a_pay_result("500"))
    store.lose_next_answer()
    with pytest.raises(Unavailable):
        Revoking(store).revoke(a_refund_result("500"))

    assert Revoking(store).revoke(a_refund_result("500")) == AlreadyRevoked()


def test_a_payment_heard_after_its_refund_opens_nothing():
    store = store_with("500")
    assert Revoking(store).revoke(a_refund_result("500")) == Revoked()
    assert stored(store).status is ChooseStatus.REFUNDED
    assert store.course_row(STUDENT, "1002") is None

    assert Granting(store).grant(a_pay_result("500")) == RefundedBefore()
    assert Granting(store).grant(a_pay_result("500")) == AlreadyGranted()

    assert stored(store).status is ChooseStatus.REFUNDED
    assert stored(store).paid_at == START
    assert row_in(store).learn_status(START) is LearnStatus.NOT_CHOSEN_OR_NOT_PAID


def test_a_refund_heard_before_its_payment_gives_the_guard_back():
    school = School(a_course())
    record_id = school.choose().record.choose_course_id

    Revoking(school.store).revoke(a_refund_result(record_id))

    assert school.store.pending(STUDENT, "1002") is None
    assert school.choose().record.choose_course_id != record_id


def test_a_refund_leaves_the_guard_of_another_record_alone():
    school = School(a_course(valid_days=10))
    first = school.choose().record.choose_course_id
    hear(school.store, a_pay_result(first, valid_days=10))
    school.clock.advance(days=9)
    renewal = school.choose().record
    assert renewal.choose_course_id != first

    hear(school.store, a_refund_result(first))

    pending = school.store.pending(STUDENT, "1002")
    assert pending is not None
    assert pending.choose_course_id == renewal.choose_course_id


def test_a_refund_beside_the_grant_of_the_same_record_reads_again():
    store = store_with("500")
    store.before_next_commit(lambda: Granting(store).grant(a_pay_result("500")))

    assert Revoking(store).revoke(a_refund_result("500")) == Revoked()
    assert row_in(store).newest is None
    assert stored(store).status is ChooseStatus.REFUNDED


def test_a_grant_beside_the_refund_of_the_same_record_reads_again():
    store = store_with("500")
    store.before_next_commit(lambda: Revoking(store).revoke(a_refund_result("500")))

    assert Granting(store).grant(a_pay_result("500")) == RefundedBefore()
    assert row_in(store).newest is None


def test_a_refund_beside_the_grant_of_another_record_loses_neither():
    store = store_with("500", "501")
    hear(store, a_pay_result("500", valid_days=10))
    other = a_pay_result("501", paid_at=START + DAY, valid_days=10)
    store.before_next_commit(lambda: Granting(store).grant(other))

    assert Revoking(store).revoke(a_refund_result("500")) == Revoked()
    assert row_in(store).valid_to == START + 11 * DAY


def test_a_refund_of_no_record_cannot_be_revoked():
    outcome = Revoking(FakeLearningStore()).revoke(a_refund_result("404"))

    assert outcome == NotRevocable("no choose-course record '404'")


def test_a_new_purchase_after_a_refund_opens_the_course_from_its_own_payment():
    school = School(a_course())
    first = school.choose().record.choose_course_id
    hear(school.store, a_pay_result(first, valid_days=10), a_refund_result(first))
    again = school.choose().record

    assert again.choose_course_id != first
    assert again.status is ChooseStatus.AWAITING_PAYMENT
    bought = a_pay_result(again.choose_course_id, paid_at=START + 2 * DAY, valid_days=10)
    assert Granting(school.store).grant(bought) == Granted()
    assert row_in(school.store).valid_from == START + 2 * DAY
    assert row_in(school.store).valid_to == START + 12 * DAY


def test_a_renewal_that_was_never_refunded_is_not_touched_by_older_messages():
    store = store_with("500", "501")
    renewed = a_pay_result("501", paid_at=START + 5 * DAY, valid_days=10)
    hear(store, renewed, a_refund_result("500"), a_pay_result("500", valid_days=10))

    assert row_in(store).valid_to == START + 15 * DAY
    assert [s.grant.choose_course_id for s in row_in(store).stretches] == ["501"]


PURCHASES = ("500", "501", "502")
payments = st.tuples(
    *(
        st.tuples(st.integers(0, 24 * 500), st.integers(1, 400)).map(
            lambda terms, number=number: a_pay_result(
                number, paid_at=START + timedelta(hours=terms[0]), valid_days=terms[1]
            )
        )
        for number in PURCHASES
    )
)
refunds = st.lists(
    st.tuples(st.sampled_from(PURCHASES), st.sampled_from(("7001", "7002"))).map(
        lambda of: a_refund_result(of[0], refund_no=f"{of[0]}{of[1]}")
    ),
    max_size=3,
)


@given(payments, refunds, st.data())
def test_i5_every_order_and_repetition_of_payments_and_refunds_ends_the_same(
    paid: tuple[PayResult, ...], refunded: list[RefundResult], chance: st.DataObject
):
    in_order: list[Message] = [*paid, *refunded]
    once = store_with(*PURCHASES)
    hear(once, *in_order)

    repeats = chance.draw(st.lists(st.sampled_from(in_order), max_size=8))
    many = store_with(*PURCHASES)
    hear(many, *chance.draw(st.permutations([*in_order, *repeats])))

    assert settled(many) == settled(once)
    gone = {refund.out_business_id for refund in refunded}
    live = {stretch.grant.choose_course_id for stretch in row_in(many).stretches}
    assert live == set(PURCHASES) - gone
