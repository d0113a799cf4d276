"""The routes of the study materials: what is refused, whose it is, and what is never believed."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from chalicelib.money import Fen
from chalicelib.selling.codes import PublishStatus
from tests.integration.api.client import assert_refused
from tests.integration.api.material_counter import TITLE, Library
from tests.integration.api.shop import Shop, new_id

NOT_FOR_SALE: dict[str, tuple[dict[str, Any], str]] = {
    "unpublished": ({"publish_status": PublishStatus.UNPUBLISHED}, "资料尚未发布"),
    "offline": ({"publish_status": PublishStatus.OFFLINE}, "资料已下线"),
    "without a charge": ({"charge": None}, "资料未设置收费规则"),
    "without a price": ({"price_fen": None}, "收费资料未设置价格"),
    "for nothing": ({"price_fen": Fen(0)}, "收费资料价格设置有误"),
}
AT_ONCE = 8


@pytest.fixture
def library(shop: Shop) -> Library:
    return Library(shop)


@pytest.mark.parametrize(("material", "says"), NOT_FOR_SALE.values(), ids=NOT_FOR_SALE)
def test_i10_a_material_that_is_not_for_sale_cannot_be_chosen(
    shop: Shop, library: Library, material: dict[str, Any], says: str
) -> None:
    student, material_id = shop.student(), library.material(**material)

    with shop.unchanged():
        answer = library.choose(student, material_id)

    assert_refused(answer, 409, "NOT_FOR_SALE", says)


def test_i10_an_unknown_material_is_neither_chosen_nor_downloaded(
    shop: Shop, library: Library
) -> None:
    student, unknown = shop.student(), f"m{new_id()}"

    with shop.unchanged():
        for answer in (library.choose(student, unknown), library.download(student, unknown)):
            assert_refused(answer, 404, "NOT_FOUND", "资料不存在")


@pytest.mark.parametrize("material_id", ["%20", "a%23b", "%E8%B5%84", "x" * 65, "..%2Fx", "%00"])
def test_i10_a_malformed_material_id_is_refused(
    shop: Shop, library: Library, material_id: str
) -> None:
    student = shop.student()

    with shop.unchanged():
        for answer in (
            library.choose(student, material_id),
            library.download(student, material_id),
        ):
            assert answer.status in (400, 404)
            assert_refused(answer, answer.status, answer.json()["errCode"])


def test_i8_somebody_elses_record_is_answered_as_one_that_nobody_has(
    shop: Shop, library: Library
) -> None:
    purchase, stranger = library.order(), shop.student()

    with shop.unchanged():
        theirs = library.pay_code(stranger, purchase.record_id)
        nobodys = library.pay_code(stranger, str(int(purchase.record_id) + 1))

    assert_refused(theirs, 404, "NOT_FOUND")
    assert theirs.without_request_id() == nobodys.without_request_id()


def test_i8_a_record_is_ordered_only_as_what_it_is(shop: Shop, library: Library) -> None:
    course, material = shop.order(), library.order()

    with shop.unchanged():
        as_course = shop.pay_code(material.student, material.record_id)
        as_material = library.pay_code(course.student, course.record_id)

    assert_refused(as_course, 404, "NOT_FOUND")
    assert_refused(as_material, 404, "NOT_FOUND")


def test_i8_a_price_a_user_and_a_status_of_the_client_are_never_believed(
    shop: Shop, library: Library
) -> None:
    honest, cunning, material_id = shop.student(), shop.student(), library.material()
    claimed = {
        "price": "0.01",
        "priceFen": 1,
        "totalPrice": 0.01,
        "userId": honest.user_id,
        "status": "701001",
        "chooseType": "700001",
        "owned": True,
        "orderName": "免费",
    }

    chosen = library.choose(cunning, material_id, claimed).ok()
    offered = library.pay_code(cunning, chosen["id"], **claimed).ok()

    assert (chosen["userId"], chosen["priceFen"], chosen["chooseType"]) == (
        cunning.user_id,
        990,
        "700002",
    )
    assert (chosen["status"], chosen["owned"]) == ("701002", False)
    assert (offered["totalPriceFen"], offered["orderName"]) == (990, TITLE)
    assert library.mine(cunning) == []


def test_i7_many_clicks_at_once_are_one_record_and_one_order(shop: Shop, library: Library) -> None:
    student, material_id = shop.student(), library.material()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        clicks = [pool.submit(library.choose, student, material_id) for _ in range(AT_ONCE)]
        records = Counter(click.result().ok()["id"] for click in clicks)
        (record_id,) = records
        clicks = [pool.submit(library.pay_code, student, record_id) for _ in range(AT_ONCE)]
        answers = [click.result() for click in clicks]

    orders = {answer.json()["orderId"] for answer in answers if answer.status == 200}
    assert len(orders) == 1
    assert {answer.status for answer in answers} <= {200, 503}


def test_i7_many_clicks_on_a_free_material_are_one_grant(shop: Shop, library: Library) -> None:
    student, material_id = shop.student(), library.free_material()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        clicks = [pool.submit(library.choose, student, material_id) for _ in range(AT_ONCE)]
        records = {click.result().ok()["id"] for click in clicks}

    assert len(records) == 1
    assert library.mine(student) == [material_id]


def test_a_changed_price_is_told_beside_the_old_one(shop: Shop, library: Library) -> None:
    purchase = library.order()
    library.change(purchase.goods_id, price_fen=Fen(1290))

    again = library.pay_code(purchase.student, purchase.record_id).ok()

    assert again["orderId"] != purchase.order_id
    assert (again["totalPrice"], again["previousPrice"]) == ("12.90", "9.90")


def test_a_material_that_went_offline_is_not_sold_and_still_downloaded(
    shop: Shop, library: Library
) -> None:
    unpaid, owned = library.order(), library.owned()
    for purchase in (unpaid, owned):
        library.change(purchase.goods_id, publish_status=PublishStatus.OFFLINE)

    assert_refused(library.pay_code(unpaid.student, unpaid.record_id), 409, "NOT_FOR_SALE")
    assert library.download(owned.student, owned.goods_id).status == 200
    assert library.mine(owned.student) == [owned.goods_id]


def test_i8_a_download_is_for_its_owner_alone(shop: Shop, library: Library) -> None:
    owned, owner_of_another, stranger = library.owned(), library.owned(), shop.student()

    for student in (stranger, owner_of_another.student):
        with shop.unchanged():
            answer = library.download(student, owned.goods_id)
        assert_refused(answer, 403, "FORBIDDEN", "您还没有购买该资料")
    assert library.mine(stranger) == []
    assert library.mine(owner_of_another.student) == [owner_of_another.goods_id]


def test_the_shelf_has_each_published_material_once_and_knows_what_is_owned(
    shop: Shop, library: Library
) -> None:
    owned = library.owned()
    published = {owned.goods_id, *(library.free_material() for _ in range(4))}
    hidden = library.material(publish_status=PublishStatus.OFFLINE)

    items, token = [], ""
    while token is not None:
        page = library.shelf(owned.student, size="2", pageToken=token)
        assert len(page["items"]) <= 2
        items += page["items"]
        token = page["nextPageToken"]

    seen = Counter(item["materialId"] for item in items)
    assert published <= seen.keys()
    assert hidden not in seen
    assert set(seen.values()) == {1}
    assert [item["materialId"] for item in items if item["owned"]] == [owned.goods_id]
    assert list(seen) == sorted(seen)


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/resources", "size=0"),
        ("/resources", "size=51"),
        ("/resources", "pageToken=%00"),
        ("/resources", "pageToken=eyJtYXRlcmlhbF9pZCI6IiJ9"),
        ("/resources/mine", "page=0"),
        ("/resources/mine", "size=ten"),
        ("/resources/mine", "page=1&page=2"),
    ],
)
def test_i10_a_wrong_parameter_is_refused(shop: Shop, path: str, query: str) -> None:
    answer = shop.client.get(path, query, shop.student().token)

    assert_refused(answer, 400, "INVALID_REQUEST")


def test_a_script_of_the_h5_pages_may_read_it(shop: Shop, library: Library) -> None:
    owned = library.owned()

    answer = library.download(owned.student, owned.goods_id)

    assert answer.headers["access-control-allow-origin"] == shop.client.h5_origin
    assert answer.headers["cache-control"] == "no-store"
