"""What the order service may charge for a choose-material record."""

from __future__ import annotations

import pytest

from chalicelib.purchasables import OrderType, Purchasable, SaleStatus
from chalicelib.resources.model import OwnedMaterial
from chalicelib.resources.ports import ResourcesChange
from chalicelib.resources.sale import MaterialPurchasables
from chalicelib.selling.codes import Charge, PublishStatus
from tests.fakes.resources import FakeResourcesStore
from tests.unit.resources.builders import (
    STUDENT,
    Library,
    a_free_material,
    a_free_record,
    a_material,
)


def on_sale(library: Library, choose_material_id: str) -> Purchasable:
    found = MaterialPurchasables(library.store).get(choose_material_id, OrderType.STUDY_MATERIAL)
    assert found is not None
    return found


def test_a_pending_record_is_sold_for_ever_at_todays_price():
    library = Library(a_material(price_fen=990))
    record_id = library.chosen_id()
    library.store.put_material(a_material(price_fen=2500, name="第二版"))

    assert on_sale(library, record_id) == Purchasable(
        out_business_id=record_id,
        order_type=OrderType.STUDY_MATERIAL,
        owner_id=STUDENT,
        goods_id="3002",
        title="第二版",
        price_fen=2500,
        valid_days=None,
        status=SaleStatus.AWAITING_PAYMENT,
    )


@pytest.mark.parametrize(
    "material",
    [
        a_material(publish_status=PublishStatus.OFFLINE),
        a_material(publish_status=PublishStatus.UNPUBLISHED),
        a_material(price_fen=None),
        a_material(price_fen=0),
        a_material(charge=None),
        a_material(charge=Charge.FREE),
    ],
)
def test_a_pending_record_is_not_for_sale_while_its_material_is_not(material):
    library = Library(a_material(price_fen=990))
    record_id = library.chosen_id()
    library.store.put_material(material)

    found = on_sale(library, record_id)

    assert (found.status, found.price_fen) == (SaleStatus.NOT_FOR_SALE, 990)


def test_a_record_whose_material_is_not_in_the_catalogue_is_not_for_sale():
    library = Library()
    record = Library(a_material()).choose().record
    library.store.commit(ResourcesChange(write_id="w", choose_material=record))

    found = on_sale(library, record.choose_material_id)

    assert (found.status, found.title) == (SaleStatus.NOT_FOR_SALE, a_material().name)


def test_a_record_is_not_for_sale_once_its_user_owns_the_material_by_another():
    library = Library(a_material())
    record_id = library.chosen_id()
    free = a_free_record()
    owned = OwnedMaterial(user_id=STUDENT, material_id="3002").with_grant(free.grant())
    library.store.commit(ResourcesChange(write_id="w", choose_material=free, owned=owned))

    assert on_sale(library, record_id).status is SaleStatus.NOT_FOR_SALE
    # whoever paid for it before gets it all the same
    library.pay(record_id)
    assert on_sale(library, record_id).status is SaleStatus.GRANTED


def test_a_grant_that_was_taken_back_keeps_nothing_from_being_sold():
    library = Library(a_material())
    first = library.chosen_id()
    library.pay(first)
    library.refund(first)

    assert on_sale(library, library.chosen_id()).status is SaleStatus.AWAITING_PAYMENT


class GrantsWhileRead(FakeResourcesStore):
    """A record is granted just before the owned row is read the next time."""

    behind: Library | None = None
    pays_for: str | None = None

    def owned(self, user_id: str, material_id: str) -> OwnedMaterial | None:
        paid, self.pays_for = self.pays_for, None
        if paid is not None and self.behind is not None:
            self.behind.pay(paid)
        return super().owned(user_id, material_id)


def test_a_record_whose_own_grant_comes_meanwhile_is_not_called_unsellable():
    store = GrantsWhileRead()
    store.behind = library = Library(a_material(), store=store)
    store.pays_for = record_id = library.chosen_id()

    assert on_sale(library, record_id).status is SaleStatus.AWAITING_PAYMENT
    assert on_sale(library, record_id).status is SaleStatus.GRANTED


def test_a_granted_and_a_free_record_are_not_sold_again():
    library = Library(a_material(), a_free_material())
    record_id = library.chosen_id()
    library.pay(record_id)

    assert on_sale(library, record_id).status is SaleStatus.GRANTED
    assert on_sale(library, library.chosen_id("3001")).status is SaleStatus.GRANTED


@pytest.mark.parametrize("paid_first", [True, False])
def test_a_refunded_record_is_taken_back_for_good(paid_first):
    library = Library(a_material())
    record_id = library.chosen_id()
    steps = [library.pay, library.refund]
    for step in steps if paid_first else reversed(steps):
        step(record_id)

    found = on_sale(library, record_id)

    assert found.status is SaleStatus.TAKEN_BACK
    assert found.status.is_refused


def test_other_goods_and_unknown_records_are_none():
    library = Library(a_material())
    record_id = library.chosen_id()
    purchasables = MaterialPurchasables(library.store)

    assert purchasables.get(record_id, OrderType.COURSE) is None
    assert purchasables.get("4711", OrderType.STUDY_MATERIAL) is None
    assert purchasables.get("", OrderType.STUDY_MATERIAL) is None
