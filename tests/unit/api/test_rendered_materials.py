"""What the views make of study materials is what docs/api.yaml promises, field by field."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.deadline import Deadline
from chalicelib.orders.order_book import OrderBook
from chalicelib.orders.routes import render as order_views
from chalicelib.purchasables import OrderType
from chalicelib.resources import render
from chalicelib.resources.downloads import MaterialDownloads
from chalicelib.resources.model import Material
from chalicelib.resources.shelf import MaterialShelf, MineQuery, ShelfQuery
from tests.api_contract import Undocumented, assert_documented, document
from tests.fakes.resources import FakeMaterialFiles
from tests.unit.api.test_rendered_answers import NO_STORE, documented
from tests.unit.orders.shop import COURSE, Shop
from tests.unit.resources.builders import STUDENT, Library, a_free_material, a_material

FOR_EVER = replace(
    COURSE, order_type=OrderType.STUDY_MATERIAL, goods_id="3002", title="讲义", valid_days=None
)


def in_order(schema: str, item: object) -> None:
    assert isinstance(item, dict)
    assert list(item) == list(document()["components"]["schemas"][schema]["properties"])


def bought(library: Library) -> str:
    record_id = library.chosen_id()
    library.pay(record_id)
    return record_id


@pytest.mark.parametrize("material", [a_free_material("3002"), a_material("3002")], ids=str)
def test_a_choose_material_record_is_documented_before_and_after_it_is_paid(
    material: Material,
) -> None:
    library = Library(material)

    def choose() -> dict[str, object]:
        body = render.choose_material(library.choose())
        return documented("ChooseMaterial", "POST", "/resources/choose/3002", body)

    first = choose()
    assert (first["paidAt"] is None) is (first["owned"] is False)
    library.pay(str(first["id"]))
    assert choose()["owned"] is True


def test_a_record_of_another_state_would_not_be_documented() -> None:
    """A refunded record is never the answer: the next click makes a new one."""
    body = render.choose_material(Library(a_material()).choose())

    with pytest.raises(Undocumented, match=r"\$\.status"):
        documented("ChooseMaterial", "POST", "/resources/choose/3002", body | {"status": "701003"})


def test_the_shelf_is_documented_with_and_without_prices() -> None:
    library = Library(
        a_material("3002"), a_free_material("3003"), a_material("3004", charge=None, price_fen=None)
    )
    bought(library)

    for size in (1, 3):
        page = MaterialShelf(library.store).page(STUDENT, ShelfQuery(size=size))
        body = documented("MaterialPage", "GET", "/resources", render.shelf(page))
        assert isinstance(body["items"], list)
        for item in body["items"]:
            in_order("MaterialOnShelf", item)
        assert (body["nextPageToken"] is None) is (size == 3)


def test_my_materials_are_documented_full_and_empty() -> None:
    library = Library(a_material("3002"))

    def mine() -> list[object]:
        page = MaterialShelf(library.store).mine(STUDENT, MineQuery())
        body = documented("MyMaterialPage", "GET", "/resources/mine", render.mine(page))
        assert isinstance(body["items"], list)
        return body["items"]

    assert mine() == []
    bought(library)
    (item,) = mine()
    in_order("MyMaterial", item)


def test_a_download_is_documented() -> None:
    library = Library(a_material("3002"))
    bought(library)
    downloads = MaterialDownloads(
        store=library.store,
        files=FakeMaterialFiles(),
        clock=library.clock,
        valid_for=timedelta(minutes=5),
    )

    body = render.download(downloads.link(STUDENT, "3002"))

    documented("DownloadLink", "GET", "/resources/3002/download", body)


def test_an_order_of_goods_for_ever_is_documented_with_no_days() -> None:
    shop = Shop()
    shop.goods.put(FOR_EVER)
    offer = shop.service.offer(
        COURSE.owner_id, COURSE.out_business_id, OrderType.STUDY_MATERIAL, Deadline.after(60)
    )
    order_id = offer.order.order_id

    detail = OrderBook(shop.store).detail(COURSE.owner_id, order_id)
    body = order_views.order_detail(detail, shop.clock.now())

    assert_documented("GET", f"/orders/{order_id}", 200, NO_STORE, json.dumps(body))
    assert isinstance(body["items"], list)
    (item,) = body["items"]
    assert (item["goodsType"], item["validDays"]) == ("60202", None)
