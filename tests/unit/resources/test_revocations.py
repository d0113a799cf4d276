"""A refund takes its material away, and nothing else."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chalicelib.errors import Unavailable
from chalicelib.mq.delivery import Ack, Dead, Delivery, Outcome, Pause
from chalicelib.mq.refund_message import RefundResult, refund_event
from chalicelib.purchasables import OrderType
from chalicelib.resources.grants import MaterialGranting
from chalicelib.resources.model import ChooseMaterial
from chalicelib.resources.ports import ResourcesChange
from chalicelib.resources.revocations import MaterialRevoking
from chalicelib.selling.codes import ChooseStatus
from chalicelib.selling.outcomes import (
    AlreadyGranted,
    AlreadyRevoked,
    NotRevocable,
    RefundedBefore,
    Revoked,
)
from chalicelib.selling.subscriber import RefundResultSubscriber
from tests.fakes.clock import START
from tests.fakes.resources import FakeResourcesStore
from tests.unit.resources.builders import (
    STUDENT,
    Library,
    a_grant,
    a_material,
    a_pay_result,
    a_pending_record,
    a_refund_result,
)


@pytest.fixture
def library() -> Library:
    """A student has chosen material 3002."""
    library = Library(a_material())
    library.choose()
    return library


def chosen(library: Library) -> ChooseMaterial:
    """The student's first record."""
    return library.store.records[0]


def number(library: Library) -> str:
    return chosen(library).choose_material_id


def with_a_second_record(library: Library) -> Library:
    other = a_pending_record("501")
    library.store.commit(ResourcesChange(write_id="501", choose_material=other))
    return library


def test_a_refund_closes_the_material_in_one_transaction(library: Library):
    library.pay(number(library))
    before = len(library.store.commits)

    assert library.refund(number(library)) == Revoked()

    assert len(library.store.commits) == before + 1
    assert chosen(library).status is ChooseStatus.REFUNDED
    assert library.owned().opening is None
    assert library.owned().grants == (a_grant(number(library), revoked=True),)


def test_a_refund_of_one_of_two_grants_keeps_the_other(library: Library):
    with_a_second_record(library)
    library.pay(number(library))
    library.clock.advance(days=1)
    library.pay("501")

    library.refund(number(library))

    assert library.owned().opening == a_grant("501", paid_at=START + timedelta(days=1))
    assert library.chosen_id() == "501"


def test_a_repeated_refund_changes_nothing(library: Library):
    library.pay(number(library))
    library.refund(number(library))
    commits = len(library.store.commits)
    revoking = MaterialRevoking(library.store)

    assert revoking.revoke(a_refund_result(number(library))) == AlreadyRevoked()
    again = a_refund_result(number(library), refund_no="7002")
    assert revoking.revoke(again) == AlreadyRevoked()
    assert len(library.store.commits) == commits


def test_a_refund_whose_answer_was_lost_is_known_again(library: Library):
    library.pay(number(library))
    library.store.lose_next_answer()
    with pytest.raises(Unavailable):
        library.refund(number(library))

    assert library.refund(number(library)) == AlreadyRevoked()


def test_a_payment_heard_after_its_refund_opens_nothing(library: Library):
    assert library.refund(number(library)) == Revoked()
    assert library.store.owned(STUDENT, "3002") is None

    assert library.pay(number(library)) == RefundedBefore()
    assert library.pay(number(library)) == AlreadyGranted()

    assert (chosen(library).status, chosen(library).paid_at) == (ChooseStatus.REFUNDED, START)
    assert library.owned().opening is None


def test_a_refund_heard_before_its_payment_gives_the_guard_back(library: Library):
    library.refund(number(library))

    assert library.store.pending(STUDENT, "3002") is None
    assert library.chosen_id() != number(library)


def test_a_refund_leaves_the_guard_of_another_record_alone(library: Library):
    with_a_second_record(library)
    library.pay("501")

    library.refund("501")

    pending = library.store.pending(STUDENT, "3002")
    assert pending is not None
    assert pending.choose_material_id == number(library)


def test_a_refund_beside_the_grant_of_the_same_record_reads_again(library: Library):
    library.store.before_next_commit(lambda: library.pay(number(library)))

    assert library.refund(number(library)) == Revoked()
    assert library.owned().grants == (a_grant(number(library), revoked=True),)


def test_a_grant_beside_the_refund_of_the_same_record_reads_again(library: Library):
    library.store.before_next_commit(lambda: library.refund(number(library)))

    assert library.pay(number(library)) == RefundedBefore()
    assert library.owned().grants == (a_grant(number(library), revoked=True),)


def test_a_refund_beside_the_grant_of_another_record_loses_neither(library: Library):
    with_a_second_record(library)
    library.pay(number(library))
    library.store.before_next_commit(lambda: library.pay("501"))

    assert library.refund(number(library)) == Revoked()
    assert library.owned().opening == a_grant("501")
    assert library.owned().with_revoked("501").opening is None


def test_a_refund_of_no_record_cannot_be_revoked():
    outcome = MaterialRevoking(FakeResourcesStore()).revoke(a_refund_result("404"))

    assert outcome == NotRevocable("no choose-material record '404'")


# the subscriber: what a delivery leads to


def deliver(store: FakeResourcesStore, body: bytes) -> Outcome:
    subscriber = RefundResultSubscriber(OrderType.STUDY_MATERIAL, MaterialRevoking(store))
    return subscriber(Delivery(tag=1, message_id="7001", body=body))


def body_of(result: RefundResult) -> bytes:
    return refund_event(result, START).body.encode()


def test_a_delivery_of_a_refund_is_acknowledged_once_it_is_stored_and_when_it_is_repeated(
    library: Library,
):
    library.pay(number(library))
    body = body_of(a_refund_result(number(library)))

    assert deliver(library.store, body) == Ack()
    assert library.owned().opening is None
    assert deliver(library.store, body) == Ack()


def test_a_courses_refund_is_acknowledged_and_ignored(library: Library):
    library.pay(number(library))
    course = a_refund_result(number(library), order_type=OrderType.COURSE)

    assert deliver(library.store, body_of(course)) == Ack()
    assert library.owned().opening is not None


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"\xff", b'{"id": 1}', b'{"messageType": "payresult_notify"}']
)
def test_a_malformed_delivery_is_dead_at_once(body):
    assert isinstance(deliver(FakeResourcesStore(), body), Dead)


def test_a_delivery_for_no_record_is_dead_at_once():
    assert isinstance(deliver(FakeResourcesStore(), body_of(a_refund_result("404"))), Dead)


def test_a_refund_waits_while_our_own_store_cannot_be_used(library: Library):
    MaterialGranting(library.store).grant(a_pay_result(number(library)))
    library.store.lose_next_answer()
    body = body_of(a_refund_result(number(library)))

    assert isinstance(deliver(library.store, body), Pause)
    assert deliver(library.store, body) == Ack()
