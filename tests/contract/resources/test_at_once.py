"""Clicks and messages at the same moment, on the fake and on DynamoDB."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

import pytest

from chalicelib.resources.choose import ChosenMaterial, MaterialChoosing
from chalicelib.resources.grants import MaterialGranting
from chalicelib.resources.model import OwnedMaterial
from chalicelib.resources.ports import ResourcesChange, ResourcesStore
from chalicelib.resources.revocations import MaterialRevoking
from chalicelib.selling.codes import ChooseStatus
from chalicelib.selling.outcomes import AlreadyGranted, AlreadyRevoked, Granted, Revoked
from tests.fakes.clock import START, FakeClock
from tests.fakes.learning import FakePurchases
from tests.fakes.numbers import FakeNumbers
from tests.unit.resources.builders import (
    STUDENT,
    a_free_material,
    a_material,
    a_pay_result,
    a_pending_record,
    a_refund_result,
)

_T = TypeVar("_T")
CLICKS = 6
NOW_FREE = replace(a_free_material(), material_id="3002")


def at_once(calls: Sequence[Callable[[], _T]]) -> list[_T]:
    together = threading.Barrier(len(calls))

    def run(call: Callable[[], _T]) -> _T:
        together.wait(timeout=30)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def choosing_on(store: ResourcesStore) -> Callable[[], ChosenMaterial]:
    choosing = MaterialChoosing(
        store=store, purchases=FakePurchases(), numbers=FakeNumbers(), clock=FakeClock()
    )
    return lambda: choosing.choose(STUDENT, "3002")


def owned_in(store: ResourcesStore) -> OwnedMaterial:
    owned = store.owned(STUDENT, "3002")
    assert owned is not None
    return owned


@pytest.mark.parametrize("round_number", range(5))
@pytest.mark.parametrize("material", [NOW_FREE, a_material()], ids=["free", "paid"])
def test_clicks_at_once_make_one_record(store: ResourcesStore, material, round_number):
    store.put_material(material)

    chosen = at_once([choosing_on(store)] * CLICKS)

    free = material is NOW_FREE
    assert len({each.record.choose_material_id for each in chosen}) == 1
    assert {each.owned for each in chosen} == {free}
    owned = store.owned(STUDENT, "3002")
    assert len(owned.grants if owned else ()) == (1 if free else 0)
    assert (store.pending(STUDENT, "3002") is None) == free


@pytest.mark.parametrize("round_number", range(3))
def test_one_message_delivered_to_many_consumers_grants_once(store: ResourcesStore, round_number):
    store.put_material(a_material())
    record_id = choosing_on(store)().record.choose_material_id
    result = a_pay_result(record_id)

    outcomes = at_once([lambda: MaterialGranting(store).grant(result)] * CLICKS)

    assert outcomes.count(Granted()) == 1
    assert outcomes.count(AlreadyGranted()) == CLICKS - 1
    assert [grant.choose_material_id for grant in owned_in(store).grants] == [record_id]


@pytest.mark.parametrize("round_number", range(3))
def test_one_refund_delivered_to_many_consumers_takes_back_once(
    store: ResourcesStore, round_number
):
    store.commit(ResourcesChange(write_id="w", choose_material=a_pending_record()))
    MaterialGranting(store).grant(a_pay_result("500"))
    refund = a_refund_result("500")

    outcomes = at_once([lambda: MaterialRevoking(store).revoke(refund)] * CLICKS)

    assert outcomes.count(Revoked()) == 1
    assert outcomes.count(AlreadyRevoked()) == CLICKS - 1
    assert owned_in(store).opening is None


def test_messages_of_one_material_at_once_all_count(store: ResourcesStore):
    numbers = ("500", "501", "502", "503")
    for number in numbers:
        store.commit(ResourcesChange(write_id=number, choose_material=a_pending_record(number)))
    results = [a_pay_result(number) for number in numbers]

    at_once([lambda result=result: MaterialGranting(store).grant(result) for result in results])

    assert [grant.choose_material_id for grant in owned_in(store).grants] == list(numbers)


@pytest.mark.parametrize("round_number", range(3))
def test_a_payment_and_its_refund_at_once_leave_the_material_closed(
    store: ResourcesStore, round_number
):
    store.put_material(a_material())
    record_id = choosing_on(store)().record.choose_material_id
    paid, refunded = a_pay_result(record_id), a_refund_result(record_id)

    def grant() -> None:
        MaterialGranting(store).grant(paid)

    def revoke() -> None:
        MaterialRevoking(store).revoke(refunded)

    at_once([grant, revoke] * 3)

    record = store.choose_material(record_id)
    assert record is not None
    assert (record.status, record.paid_at) == (ChooseStatus.REFUNDED, START)
    assert [grant.revoked for grant in owned_in(store).grants] == [True]
    assert store.pending(STUDENT, "3002") is None


@pytest.mark.parametrize("round_number", range(3))
def test_clicks_beside_the_grant_of_their_record_make_no_second_one(
    store: ResourcesStore, round_number
):
    store.put_material(a_material())
    click = choosing_on(store)
    record_id = click().record.choose_material_id
    result = a_pay_result(record_id)

    def grant() -> None:
        MaterialGranting(store).grant(result)

    def click_again() -> None:
        assert click().record.choose_material_id == record_id

    at_once([grant, click_again, click_again, click_again])

    assert store.pending(STUDENT, "3002") is None
    assert click().owned


@pytest.mark.parametrize("round_number", range(3))
def test_free_clicks_beside_a_payment_own_it_by_at_most_one_free_grant(
    store: ResourcesStore, round_number
):
    store.put_material(a_material())
    click = choosing_on(store)
    paid_id = click().record.choose_material_id
    store.put_material(NOW_FREE)
    result = a_pay_result(paid_id)

    def grant() -> None:
        MaterialGranting(store).grant(result)

    def click_again() -> None:
        assert click().owned

    at_once([click_again, grant, click_again, click_again])

    others = [g for g in owned_in(store).grants if g.choose_material_id != paid_id]
    assert len(others) <= 1
    assert len(owned_in(store).grants) == 1 + len(others)
    assert store.pending(STUDENT, "3002") is None


def test_a_write_whose_answer_was_lost_is_known_again(echoing_store: ResourcesStore):
    echoing_store.put_material(a_material())
    click = choosing_on(echoing_store)

    record_id = click().record.choose_material_id
    assert MaterialGranting(echoing_store).grant(a_pay_result(record_id)) == Granted()
    assert MaterialRevoking(echoing_store).revoke(a_refund_result(record_id)) == Revoked()
    echoing_store.put_material(NOW_FREE)
    assert click().owned

    stored = echoing_store.choose_material(record_id)
    assert stored is not None
    assert (stored.status, stored.version) == (ChooseStatus.REFUNDED, 3)
    assert owned_in(echoing_store).version == 3
    assert len(owned_in(echoing_store).grants) == 2
