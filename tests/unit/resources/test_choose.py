"""Choosing a material: one click or many, one record, and for ever."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from chalicelib.errors import GoodsBeingOpened, Unavailable
from chalicelib.resources.model import ChooseMaterial
from chalicelib.selling.codes import ChooseStatus, ChooseType, PublishStatus
from chalicelib.selling.outcomes import Granted
from tests.fakes.clock import START
from tests.fakes.resources import FakeResourcesStore
from tests.unit.resources.builders import (
    STUDENT,
    Library,
    a_free_material,
    a_grant,
    a_material,
    an_owned,
)


def test_a_free_material_is_owned_at_once_in_one_transaction():
    library = Library(a_free_material())

    chosen = library.choose("3001")

    assert chosen.owned
    record = chosen.record
    assert (record.status, record.choose_type) == (ChooseStatus.CHOSEN, ChooseType.FREE)
    assert (record.price_fen, record.created_at, record.paid_at) == (0, START, START)
    assert len(library.store.commits) == 1
    assert library.owned("3001").grants == (
        a_grant(record.choose_material_id, choose_type=ChooseType.FREE),
    )
    assert library.store.pending(STUDENT, "3001") is None


def test_a_paid_material_awaits_payment():
    library = Library(a_material(price_fen=1990))

    chosen = library.choose()

    assert not chosen.owned
    assert chosen.record == ChooseMaterial(
        choose_material_id=chosen.record.choose_material_id,
        user_id=STUDENT,
        material_id="3002",
        material_name=a_material().name,
        company_id="22",
        choose_type=ChooseType.PAID,
        price_fen=1990,
        status=ChooseStatus.AWAITING_PAYMENT,
        created_at=START,
    )
    assert len(library.store.commits) == 1
    assert library.store.owned(STUDENT, "3002") is None


@pytest.mark.parametrize("material_id", ["3001", "3002"])
def test_a_repeated_click_gets_the_same_record(material_id):
    library = Library(a_free_material(), a_material())

    first = library.choose(material_id).record.choose_material_id
    library.clock.advance(hours=1)

    assert library.choose(material_id).record.choose_material_id == first
    assert len(library.store.records) == 1
    assert len(library.store.commits) == 1


@pytest.mark.parametrize("material_id", ["3001", "3002"])
def test_the_slower_of_two_clicks_gets_the_record_of_the_faster(material_id):
    library = Library(a_free_material(), a_material())
    faster = []
    library.store.before_next_commit(lambda: faster.append(library.choose(material_id)))

    slower = library.choose(material_id)

    assert slower.record.choose_material_id == faster[0].record.choose_material_id
    assert len(library.store.records) == 1


def test_many_clicks_at_once_make_one_record():
    library = Library(a_material())
    together = threading.Barrier(8)

    def click(_: int) -> str:
        together.wait(timeout=30)
        return library.chosen_id()

    with ThreadPoolExecutor(8) as pool:
        ids = set(pool.map(click, range(8)))

    assert len(ids) == 1
    assert len(library.store.records) == 1


@pytest.mark.parametrize("material_id", ["3001", "3002"])
def test_a_click_whose_answer_was_lost_is_repeated_safely(material_id):
    library = Library(a_free_material(), a_material())
    library.store.lose_next_answer()
    with pytest.raises(Unavailable):
        library.choose(material_id)

    library.choose(material_id)

    assert len(library.store.records) == 1


def test_students_do_not_share_records():
    library = Library(a_material())

    mine, theirs = library.choose(), library.choose(user_id="student-2")

    assert mine.record.choose_material_id != theirs.record.choose_material_id
    assert theirs.record.user_id == "student-2"


def test_what_one_student_owns_another_does_not():
    library = Library(a_material())
    library.pay(library.chosen_id())

    assert not library.choose(user_id="student-2").owned


def test_a_pending_record_shows_todays_terms():
    library = Library(a_material(price_fen=990))
    first = library.choose().record
    library.store.put_material(a_material(price_fen=2500, name="讲义（第二版）"))

    again = library.choose().record

    assert again.choose_material_id == first.choose_material_id
    assert (again.price_fen, again.material_name) == (2500, "讲义（第二版）")
    stored = library.store.choose_material(first.choose_material_id)
    assert stored == replace(again, version=2)


def test_a_new_price_and_a_payment_at_once_lose_neither():
    library = Library(a_material())
    record_id = library.chosen_id()
    library.store.put_material(a_material(price_fen=2500))
    library.store.before_next_commit(lambda: library.pay(record_id))

    chosen = library.choose()

    assert chosen.owned
    assert chosen.record.choose_material_id == record_id
    assert chosen.record.price_fen == 990


def test_a_material_that_is_owned_gives_its_record_back_for_ever():
    library = Library(a_material())
    record_id = library.chosen_id()
    library.pay(record_id)
    library.clock.advance(days=36_500)

    again = library.choose()

    assert again.owned
    assert again.record.choose_material_id == record_id
    assert again.record.status is ChooseStatus.CHOSEN
    assert len(library.store.records) == 1


@pytest.mark.parametrize(
    "changed",
    [
        a_material(publish_status=PublishStatus.OFFLINE),
        a_material(price_fen=None),
        replace(a_free_material(), material_id="3002"),
    ],
    ids=["offline", "no price", "free"],
)
def test_what_is_owned_stays_whatever_becomes_of_the_catalogue(changed):
    library = Library(a_material())
    record_id = library.chosen_id()
    library.pay(record_id)
    library.store.put_material(changed)

    assert library.choose().record.choose_material_id == record_id
    assert library.choose().owned
    assert len(library.store.records) == 1


def test_a_material_that_is_paid_but_not_granted_yet_is_being_opened():
    library = Library(a_material())
    library.purchases.paid.add(library.chosen_id())

    with pytest.raises(GoodsBeingOpened) as refused:
        library.choose()

    assert refused.value.message == "订单已支付，正在开通"
    assert len(library.store.commits) == 1


def test_a_material_that_is_granted_between_the_reads_and_the_write_is_not_chosen_again():
    library = Library(a_material())

    def it_is_chosen_and_paid() -> None:
        assert library.pay(library.chosen_id()) == Granted()

    library.store.before_next_commit(it_is_chosen_and_paid)

    chosen = library.choose()

    assert chosen.owned
    assert len(library.store.records) == 1


def test_after_a_refund_a_new_record_is_chosen_and_bought():
    library = Library(a_material())
    first = library.chosen_id()
    library.pay(first)
    library.refund(first)

    again = library.choose()
    assert not again.owned
    assert again.record.choose_material_id != first
    assert again.record.status is ChooseStatus.AWAITING_PAYMENT

    library.pay(again.record.choose_material_id)
    assert library.choose().record.choose_material_id == again.record.choose_material_id
    assert [(g.choose_material_id, g.revoked) for g in library.owned().grants] == [
        (first, True),
        (again.record.choose_material_id, False),
    ]


class RefundsWhileRead(FakeResourcesStore):
    """The refund of a record is stored just before the record is read the next time."""

    refund_of: str | None = None
    behind: Library | None = None

    def choose_material(self, choose_material_id: str) -> ChooseMaterial | None:
        refunded, self.refund_of = self.refund_of, None
        if refunded is not None and self.behind is not None:
            self.behind.refund(refunded)
        return super().choose_material(choose_material_id)


def test_a_click_beside_the_refund_never_answers_with_the_refunded_record():
    store = RefundsWhileRead()
    store.behind = library = Library(a_material(), store=store)
    record_id = library.chosen_id()
    library.pay(record_id)
    store.refund_of = record_id

    chosen = library.choose()

    assert not chosen.owned
    assert chosen.record.choose_material_id != record_id


def test_a_grant_whose_record_is_gone_is_told_and_buys_nothing_anew():
    library = Library(a_material())
    library.store._owned[(STUDENT, "3002")] = an_owned(a_grant("gone"))

    with pytest.raises(Unavailable):
        library.choose()
    assert library.store.records == ()
