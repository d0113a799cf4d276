"""A material that turns free while a record of it awaits payment: nothing paid is lost."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.errors import GoodsBeingOpened
from chalicelib.purchasables import OrderType, SaleStatus
from chalicelib.resources.sale import MaterialPurchasables
from chalicelib.selling.codes import ChooseStatus, ChooseType
from chalicelib.selling.outcomes import Granted, Revoked
from tests.unit.resources.builders import STUDENT, Library, a_free_material, a_material

NOW_FREE = replace(a_free_material(), material_id="3002")


@pytest.fixture
def library() -> Library:
    """Material 3002 awaits payment, and is free from now on."""
    library = Library(a_material())
    library.choose()
    library.store.put_material(NOW_FREE)
    return library


def pending_id(library: Library) -> str:
    return library.store.records[0].choose_material_id


def status_of(library: Library, choose_material_id: str) -> SaleStatus:
    found = MaterialPurchasables(library.store).get(choose_material_id, OrderType.STUDY_MATERIAL)
    assert found is not None
    return found.status


def test_the_next_click_gets_it_free_by_a_record_of_its_own(library: Library):
    chosen = library.choose()

    assert chosen.owned
    assert chosen.record.choose_type is ChooseType.FREE
    assert chosen.record.choose_material_id != pending_id(library)
    assert library.choose().record == replace(chosen.record, version=1)
    assert len(library.store.records) == 2


def test_the_pending_record_is_not_for_sale_also_when_it_costs_money_again(library: Library):
    assert status_of(library, pending_id(library)) is SaleStatus.NOT_FOR_SALE
    library.choose()

    library.store.put_material(a_material())

    assert status_of(library, pending_id(library)) is SaleStatus.NOT_FOR_SALE
    assert library.choose().owned
    assert len(library.store.records) == 2


def test_without_a_click_the_pending_record_is_for_sale_when_it_costs_money_again(
    library: Library,
):
    library.store.put_material(a_material(price_fen=1200))

    assert status_of(library, pending_id(library)) is SaleStatus.AWAITING_PAYMENT
    assert library.chosen_id() == pending_id(library)


def test_a_payment_that_still_lands_is_granted_beside_the_free_grant(library: Library):
    free = library.chosen_id()
    library.clock.advance(minutes=1)

    assert library.pay(pending_id(library)) == Granted()

    assert [(g.choose_material_id, g.revoked) for g in library.owned().grants] == [
        (free, False),
        (pending_id(library), False),
    ]
    assert status_of(library, pending_id(library)) is SaleStatus.GRANTED
    assert library.store.pending(STUDENT, "3002") is None
    assert library.chosen_id() == free


def test_its_refund_takes_back_what_was_paid_for_and_leaves_the_free_grant(library: Library):
    free = library.chosen_id()
    library.pay(pending_id(library))

    assert library.refund(pending_id(library)) == Revoked()

    assert library.choose().owned
    assert library.chosen_id() == free
    assert status_of(library, pending_id(library)) is SaleStatus.TAKEN_BACK


def test_a_payment_on_its_way_is_waited_for_instead_of_giving_it_free(library: Library):
    library.purchases.paid.add(pending_id(library))

    with pytest.raises(GoodsBeingOpened):
        library.choose()

    library.pay(pending_id(library))
    assert library.chosen_id() == pending_id(library)
    assert len(library.store.records) == 1


def test_what_is_owned_free_is_not_waited_for(library: Library):
    free = library.chosen_id()
    library.purchases.paid.add(pending_id(library))

    assert library.chosen_id() == free


def test_a_payment_that_lands_beside_the_free_click_opens_it_once(library: Library):
    library.store.before_next_commit(lambda: library.pay(pending_id(library)))

    chosen = library.choose()

    assert chosen.record.choose_material_id == pending_id(library)
    assert chosen.record.status is ChooseStatus.CHOSEN
    assert len(library.store.records) == 1
