"""What every `ResourcesStore` promises of records and owned rows: the fake and DynamoDB."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.errors import StaleWrite
from chalicelib.money import Fen
from chalicelib.resources.model import ChooseMaterial, OwnedMaterial
from chalicelib.resources.ports import ResourcesChange, ResourcesStore
from chalicelib.selling.codes import ChooseType
from tests.fakes.clock import START
from tests.unit.resources.builders import (
    STUDENT,
    a_free_record,
    a_grant,
    a_pending_record,
    an_owned,
)


def stored(store: ResourcesStore, choose_material_id: str = "500") -> ChooseMaterial:
    record = store.choose_material(choose_material_id)
    assert record is not None
    return record


def stored_owned(store: ResourcesStore) -> OwnedMaterial:
    owned = store.owned(STUDENT, "3002")
    assert owned is not None
    return owned


def open_pending(store: ResourcesStore, choose_material_id: str = "500", write: str = "w1") -> None:
    record = a_pending_record(choose_material_id)
    store.commit(ResourcesChange(write_id=write, choose_material=record, open_pending=True))


def own(store: ResourcesStore, number: str = "499") -> None:
    """One more grant in the owned row, by a record of its own."""
    owned = store.owned(STUDENT, "3002") or an_owned()
    record = a_pending_record(number).chosen(START)
    store.commit(
        ResourcesChange(
            write_id=f"own-{number}",
            choose_material=record,
            owned=owned.with_grant(record.grant()),
        )
    )


def test_what_is_not_there_is_none(store):
    assert store.choose_material("1") is None
    assert store.pending(STUDENT, "1") is None
    assert store.owned(STUDENT, "1") is None
    assert store.all_owned(STUDENT) == ()
    assert store.owned_of(STUDENT, ["1", "2"]) == {}
    assert store.owned_of(STUDENT, []) == {}


def test_a_pending_record_is_found_by_its_id_and_by_user_and_material(store):
    open_pending(store)

    expected = replace(a_pending_record(), version=1)
    assert store.choose_material("500") == expected
    assert store.pending(STUDENT, "3002") == expected
    assert store.pending(STUDENT, "3003") is None
    assert store.pending("student-2", "3002") is None


@pytest.mark.parametrize("text", [f"pending#{STUDENT}#3002", "", "5" * 3000, "五百"])
def test_a_text_that_is_no_id_finds_nothing(store, text):
    open_pending(store)
    own(store)

    assert store.choose_material(text) is None
    assert store.pending(STUDENT, text) is None
    assert store.owned(STUDENT, text) is None
    assert store.owned_of(STUDENT, [text]) == {}


def test_a_second_pending_record_of_a_user_and_material_is_refused_whole(store):
    open_pending(store, "500", "w1")

    with pytest.raises(StaleWrite):
        open_pending(store, "501", "w2")

    assert store.choose_material("501") is None
    assert stored(store).version == 1


def test_user_ids_with_a_hash_do_not_share_a_guard(store):
    for user_id, material_id, number in (("a#b", "c", "1"), ("a", "b-c", "2"), ("a#b#c", "d", "3")):
        record = a_pending_record(number, user_id=user_id, material_id=material_id)
        store.commit(ResourcesChange(write_id=number, choose_material=record, open_pending=True))

    found = store.pending("a#b", "c")
    assert found is not None
    assert found.choose_material_id == "1"


def test_a_repeated_write_is_left_alone(store):
    open_pending(store)
    open_pending(store)

    assert stored(store).version == 1


def test_a_free_record_is_stored_with_what_it_grants(store):
    record = a_free_record()

    store.commit(
        ResourcesChange(write_id="w1", choose_material=record, owned=an_owned(record.grant()))
    )

    assert store.choose_material("600") == replace(record, version=1)
    assert stored_owned(store).grants == (a_grant("600", choose_type=ChooseType.FREE),)


def test_a_grant_changes_record_guard_and_owned_row_together(store):
    open_pending(store)
    chosen = stored(store).chosen(START)
    change = ResourcesChange(
        write_id="w2", choose_material=chosen, owned=an_owned(chosen.grant()), close_pending=True
    )

    store.commit(change)
    store.commit(change)

    assert store.choose_material("500") == replace(chosen, version=2)
    assert store.pending(STUDENT, "3002") is None
    assert store.owned(STUDENT, "3002") == replace(an_owned(chosen.grant()), version=1)


def test_a_grant_on_a_stale_owned_row_writes_nothing(store):
    open_pending(store)
    own(store, "499")
    chosen = stored(store).chosen(START)

    with pytest.raises(StaleWrite):
        store.commit(
            ResourcesChange(
                write_id="w3",
                choose_material=chosen,
                owned=an_owned(chosen.grant()),
                close_pending=True,
            )
        )

    assert store.choose_material("500") == replace(a_pending_record(), version=1)
    assert store.pending(STUDENT, "3002") is not None
    assert [grant.choose_material_id for grant in stored_owned(store).grants] == ["499"]


def test_an_owned_row_of_an_old_version_is_not_written(store):
    own(store, "499")
    own(store, "498")
    old = replace(an_owned(a_grant("499")), version=1)

    record = a_free_record("600")
    grown = old.with_grant(record.grant())

    with pytest.raises(StaleWrite):
        store.commit(ResourcesChange(write_id="w3", choose_material=record, owned=grown))

    assert store.choose_material("600") is None
    assert {grant.choose_material_id for grant in stored_owned(store).grants} == {"498", "499"}


def test_a_record_of_an_old_version_is_not_written(store):
    open_pending(store)
    stale = stored(store)
    repriced = replace(stale, price_fen=Fen(10))
    store.commit(ResourcesChange(write_id="w2", choose_material=repriced))

    again = replace(stale, price_fen=Fen(20))

    with pytest.raises(StaleWrite):
        store.commit(ResourcesChange(write_id="w3", choose_material=again))

    assert stored(store).price_fen == 10


def test_a_guard_that_names_another_record_stays(store):
    other = a_pending_record("499")
    store.commit(ResourcesChange(write_id="w1", choose_material=other))
    open_pending(store, "500", "w2")

    store.commit(
        ResourcesChange(
            write_id="w3", choose_material=stored(store, "499").chosen(START), close_pending=True
        )
    )

    pending = store.pending(STUDENT, "3002")
    assert pending is not None
    assert pending.choose_material_id == "500"


def test_the_guard_can_be_taken_again_once_it_is_given_back(store):
    open_pending(store, "500", "w1")
    store.commit(
        ResourcesChange(
            write_id="w2", choose_material=stored(store).chosen(START), close_pending=True
        )
    )

    open_pending(store, "501", "w3")

    assert store.pending(STUDENT, "3002") == replace(a_pending_record("501"), version=1)


def test_a_refund_closes_record_owned_row_and_guard_at_once(store):
    open_pending(store)
    chosen = stored(store).chosen(START)
    store.commit(
        ResourcesChange(write_id="w2", choose_material=chosen, owned=an_owned(chosen.grant()))
    )

    store.commit(
        ResourcesChange(
            write_id="w3",
            choose_material=stored(store).refunded(),
            owned=stored_owned(store).with_revoked("500"),
            close_pending=True,
        )
    )

    assert store.choose_material("500") == replace(chosen.refunded(), version=3)
    assert stored_owned(store).grants == (a_grant("500", revoked=True),)
    open_pending(store, "501", "w4")
    assert store.pending(STUDENT, "3002") == replace(a_pending_record("501"), version=1)


def test_a_refunded_record_that_was_never_paid_has_no_pay_time(store):
    open_pending(store)

    refunded = stored(store).refunded()
    store.commit(ResourcesChange(write_id="w2", choose_material=refunded, close_pending=True))

    assert store.choose_material("500") == replace(refunded, version=2)
    assert stored(store).paid_at is None


def test_a_guard_shows_nothing_once_its_record_is_decided(store):
    open_pending(store)

    store.commit(ResourcesChange(write_id="w2", choose_material=stored(store).refunded()))

    assert store.pending(STUDENT, "3002") is None


@pytest.mark.parametrize("version_read", [0, 2])
def test_a_decision_is_held_to_the_owned_row_that_it_was_made_on(store, version_read):
    own(store)
    change = ResourcesChange(
        write_id="w2",
        choose_material=a_pending_record(),
        open_pending=True,
        while_owned_version=version_read,
    )

    with pytest.raises(StaleWrite):
        store.commit(change)
    assert store.choose_material("500") is None

    store.commit(replace(change, while_owned_version=1))
    assert store.pending(STUDENT, "3002") is not None


def test_a_decision_that_rests_on_no_owned_row_holds_without_one(store):
    store.commit(
        ResourcesChange(
            write_id="w1",
            choose_material=a_pending_record(),
            open_pending=True,
            while_owned_version=0,
        )
    )

    assert store.pending(STUDENT, "3002") is not None


def test_an_owned_row_keeps_its_grants_to_the_microsecond(store):
    record = a_pending_record("2").chosen(START)
    owned = an_owned(
        a_grant("1", choose_type=ChooseType.FREE),
        a_grant("2", paid_at=START + timedelta(days=90, microseconds=1), revoked=True),
    )

    store.commit(ResourcesChange(write_id="w1", choose_material=record, owned=owned))

    assert store.owned(STUDENT, "3002") == replace(owned, version=1)
