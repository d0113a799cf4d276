"""A paid order opens its material, whatever happens to its message."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from chalicelib.errors import StaleWrite, Unavailable
from chalicelib.mq.delivery import Ack, Dead, Delivery, Outcome, Pause
from chalicelib.mq.message import PayResult, paid_event
from chalicelib.purchasables import OrderType
from chalicelib.resources.grants import MaterialGranting
from chalicelib.resources.model import ChooseMaterial, OwnedMaterial
from chalicelib.resources.ports import ResourcesChange
from chalicelib.selling.codes import ChooseStatus
from chalicelib.selling.outcomes import AlreadyGranted, Granted, NotGrantable
from chalicelib.selling.subscriber import PayResultSubscriber
from tests.fakes.clock import START
from tests.fakes.resources import FakeResourcesStore
from tests.unit.resources.builders import (
    STUDENT,
    Library,
    a_grant,
    a_material,
    a_pay_result,
    a_pending_record,
)


def store_with(*choose_material_ids: str) -> FakeResourcesStore:
    store = FakeResourcesStore()
    for number in choose_material_ids:
        record = a_pending_record(number)
        store.commit(ResourcesChange(write_id=number, choose_material=record))
    return store


def owned_in(store: FakeResourcesStore) -> OwnedMaterial:
    owned = store.owned(STUDENT, "3002")
    assert owned is not None
    return owned


def test_a_grant_opens_the_material_in_one_transaction():
    library = Library(a_material())
    record_id = library.chosen_id()
    before = len(library.store.commits)

    assert library.pay(record_id) == Granted()

    assert len(library.store.commits) == before + 1
    stored = library.store.choose_material(record_id)
    assert stored is not None
    assert (stored.status, stored.paid_at) == (ChooseStatus.CHOSEN, START)
    assert library.store.pending(STUDENT, "3002") is None
    assert library.owned().opening == a_grant(record_id)


def test_a_grant_gives_the_guard_back():
    library = Library(a_material())
    library.pay(library.chosen_id())

    other = ResourcesChange(
        write_id="w", choose_material=a_pending_record("501"), open_pending=True
    )
    library.store.commit(other)

    pending = library.store.pending(STUDENT, "3002")
    assert pending is not None
    assert pending.choose_material_id == "501"


@pytest.mark.parametrize("valid_days", [None, 0, -1, 1, 365, 36_501, 10**12])
def test_whatever_days_a_message_names_it_is_granted_for_ever(valid_days):
    store = store_with("500")

    outcome = MaterialGranting(store).grant(a_pay_result("500", valid_days=valid_days))

    assert outcome == Granted()
    assert owned_in(store).grants == (a_grant("500"),)


def test_the_grant_has_the_time_of_the_payment_and_not_of_the_message():
    store = store_with("500")
    paid_at = START - timedelta(days=3)

    MaterialGranting(store).grant(a_pay_result("500", paid_at=paid_at))

    assert owned_in(store).grants == (a_grant("500", paid_at=paid_at),)


def test_a_repeated_message_changes_nothing():
    store = store_with("500")
    granting = MaterialGranting(store)
    granting.grant(a_pay_result("500"))
    commits = len(store.commits)

    assert granting.grant(a_pay_result("500")) == AlreadyGranted()
    assert len(store.commits) == commits


def test_a_grant_whose_answer_was_lost_is_not_made_twice():
    store = store_with("500")
    store.lose_next_answer()
    with pytest.raises(Unavailable):
        MaterialGranting(store).grant(a_pay_result("500"))

    assert MaterialGranting(store).grant(a_pay_result("500")) == AlreadyGranted()
    assert len(owned_in(store).grants) == 1


def test_a_grant_that_lost_to_another_writer_reads_again():
    store = store_with("500", "501")
    granting = MaterialGranting(store)
    store.before_next_commit(lambda: granting.grant(a_pay_result("501")))

    assert granting.grant(a_pay_result("500")) == Granted()
    assert {grant.choose_material_id for grant in owned_in(store).grants} == {"500", "501"}


def test_what_opens_a_material_is_what_was_paid_first_in_whatever_order_it_is_heard():
    messages = [
        a_pay_result(number, paid_at=START + timedelta(hours=hour))
        for number, hour in (("500", 3), ("501", 1), ("502", 2))
    ]
    chance = random.Random(7)
    for _ in range(20):
        store = store_with("500", "501", "502")
        for message in chance.sample(messages * 2, 6):
            MaterialGranting(store).grant(message)

        assert [g.choose_material_id for g in owned_in(store).grants] == ["501", "502", "500"]
        assert owned_in(store).opening == a_grant("501", paid_at=START + timedelta(hours=1))


def test_a_message_for_no_record_cannot_be_granted():
    outcome = MaterialGranting(FakeResourcesStore()).grant(a_pay_result("404"))

    assert outcome == NotGrantable("no choose-material record '404'")


# the subscriber: what a delivery leads to


class BrokenStore(FakeResourcesStore):
    """Refuses every write."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def choose_material(self, choose_material_id: str) -> ChooseMaterial | None:
        return a_pending_record(choose_material_id)

    def commit(self, change: ResourcesChange) -> None:
        raise self._error


def deliver(store: FakeResourcesStore, body: bytes) -> Outcome:
    subscriber = PayResultSubscriber(OrderType.STUDY_MATERIAL, MaterialGranting(store))
    return subscriber(Delivery(tag=1, message_id="9001", body=body))


def body_of(result: PayResult) -> bytes:
    return paid_event(result, START).body.encode()


def test_a_delivery_of_a_paid_material_is_acknowledged_once_it_is_stored_and_when_repeated():
    store = store_with("500")

    assert deliver(store, body_of(a_pay_result("500"))) == Ack()
    assert owned_in(store).opening is not None
    assert deliver(store, body_of(a_pay_result("500"))) == Ack()


def test_a_courses_message_is_acknowledged_and_ignored():
    store = store_with("500")
    course = a_pay_result("500", order_type=OrderType.COURSE, valid_days=365)

    assert deliver(store, body_of(course)) == Ack()
    assert store.owned(STUDENT, "3002") is None


def test_a_courses_message_needs_none_of_the_newer_keys():
    body = b'{"id":"1","messageType":"payresult_notify","businessKey1":"9","businessKey2":"60201"}'
    assert deliver(FakeResourcesStore(), body) == Ack()


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"\xff", b'{"id": 1}', b'{"messageType": "refundresult_notify"}']
)
def test_a_malformed_delivery_is_dead_at_once(body):
    assert isinstance(deliver(FakeResourcesStore(), body), Dead)


def test_a_delivery_for_no_record_is_dead_at_once():
    assert isinstance(deliver(FakeResourcesStore(), body_of(a_pay_result("404"))), Dead)


@pytest.mark.parametrize("error", [Unavailable(), StaleWrite()], ids=["unavailable", "stale"])
def test_a_delivery_waits_while_our_own_store_cannot_be_used(error):
    outcome = deliver(BrokenStore(error), body_of(a_pay_result("500")))

    assert isinstance(outcome, Pause)
