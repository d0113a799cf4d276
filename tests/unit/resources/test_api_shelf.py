"""The routes that show what materials there are, and which are mine."""

from __future__ import annotations

from typing import Any

import pytest
from chalice.test import Client

from chalicelib.selling.codes import PublishStatus
from tests.unit.learning.calls import answer, call, refusal
from tests.unit.resources.builders import NAME, Library, a_free_material, a_material

SHELF, MINE = "/resources", "/resources/mine"
FILE = {"fileName": f"{NAME}.pdf", "mediaType": "application/pdf", "sizeBytes": 48_128}


def ids(body: dict[str, Any]) -> list[str]:
    return [item["materialId"] for item in body["items"]]


def own(library: Library, material_id: str) -> str:
    """Somebody has paid for it; a minute passes."""
    record_id = library.chosen_id(material_id)
    library.pay(record_id)
    library.clock.advance(minutes=1)
    return record_id


def test_the_shelf_shows_published_materials_and_never_where_a_file_lies(client: Client) -> None:
    assert answer(call(client, "GET", SHELF)) == {
        "items": [
            {
                "materialId": "3001",
                "materialName": NAME,
                "companyId": "22",
                "charge": "201000",
                "price": None,
                "priceFen": None,
                **FILE,
                "owned": False,
            },
            {
                "materialId": "3002",
                "materialName": NAME,
                "companyId": "22",
                "charge": "201001",
                "price": "9.90",
                "priceFen": 990,
                **FILE,
                "owned": False,
            },
        ],
        "nextPageToken": None,
    }


def test_the_shelf_knows_what_the_caller_owns_and_nobody_else(
    client: Client, library: Library
) -> None:
    def owned_by(student: str) -> list[bool]:
        body = answer(call(client, "GET", SHELF, token=student))
        return [item["owned"] for item in body["items"]]

    record_id = library.chosen_id("3002")
    assert owned_by("student-1") == [False, False]
    library.pay(record_id)
    assert owned_by("student-1") == [False, True]
    assert owned_by("student-2") == [False, False]
    library.refund(record_id)
    assert owned_by("student-1") == [False, False]


def test_the_shelf_is_walked_page_by_page(client: Client, library: Library) -> None:
    for number in range(3007, 3012):
        library.store.put_material(a_free_material(str(number)))
    seen, target = [], f"{SHELF}?size=3"
    while target:
        body = answer(call(client, "GET", target))
        seen.append(ids(body))
        token = body["nextPageToken"]
        target = f"{SHELF}?size=3&pageToken={token}" if token else ""

    assert seen == [["3001", "3002", "3007"], ["3008", "3009", "3010"], ["3011"]]


@pytest.mark.parametrize(
    ("path", "query", "says"),
    [
        (SHELF, "size=0", "参数 size 应为 1 到 50 的整数"),
        (SHELF, "size=51", "参数 size 应为 1 到 50 的整数"),
        (SHELF, "pageToken=x", "参数 pageToken 有误"),
        (SHELF, "size=1&size=2", "参数 size 重复"),
        (MINE, "page=0", "参数 page 应为 1 到 1000000 的整数"),
        (MINE, "page=1.5", "参数 page 应为 1 到 1000000 的整数"),
        (MINE, "size=many", "参数 size 应为 1 到 50 的整数"),
    ],
)
def test_a_wrong_parameter_is_named(client: Client, path: str, query: str, says: str) -> None:
    response = call(client, "GET", f"{path}?{query}")

    assert refusal(response) == (400, "INVALID_REQUEST", says)


def test_an_empty_parameter_is_an_absent_one(client: Client) -> None:
    assert answer(call(client, "GET", f"{SHELF}?size=&pageToken=")) == answer(
        call(client, "GET", SHELF)
    )
    assert answer(call(client, "GET", f"{MINE}?page=&size=")) == {
        "items": [],
        "counts": 0,
        "page": 1,
        "pageSize": 10,
    }


def test_mine_has_what_was_bought_and_how(client: Client, library: Library) -> None:
    record_id = own(library, "3002")

    body = answer(call(client, "GET", MINE))

    assert body["items"] == [
        {
            "chooseMaterialId": record_id,
            "materialId": "3002",
            "materialName": NAME,
            "companyId": "22",
            "chooseType": "700002",
            "paidAt": "2026-03-01T12:00:00+08:00",
            **FILE,
        }
    ]


def test_mine_is_newest_first_and_page_by_page(client: Client, library: Library) -> None:
    bought = ["3012", "3010", "3011", "3014", "3013"]
    for material_id in bought:
        library.store.put_material(a_material(material_id))
        own(library, material_id)

    pages = [answer(call(client, "GET", f"{MINE}?size=2&page={page}")) for page in (1, 2, 3, 4)]

    assert [ids(page) for page in pages] == [["3013", "3014"], ["3011", "3010"], ["3012"], []]
    assert {(page["counts"], page["pageSize"]) for page in pages} == {(5, 2)}
    assert [page["page"] for page in pages] == [1, 2, 3, 4]


def test_what_was_paid_in_the_same_moment_keeps_its_order(client: Client, library: Library) -> None:
    for material_id in ("3011", "3010", "3012"):
        library.store.put_material(a_material(material_id))
        library.pay(library.chosen_id(material_id))

    pages = [answer(call(client, "GET", f"{MINE}?size=1&page={page}")) for page in (1, 2, 3)]

    assert [ids(page) for page in pages] == [["3012"], ["3011"], ["3010"]]


def test_mine_has_no_unpaid_and_no_refunded_material(client: Client, library: Library) -> None:
    library.choose("3002")
    library.store.put_material(a_material("3010"))
    library.refund(own(library, "3010"))

    body = answer(call(client, "GET", MINE))

    assert (body["items"], body["counts"]) == ([], 0)


def test_mine_keeps_what_has_gone_offline(client: Client, library: Library) -> None:
    own(library, "3002")
    library.store.put_material(a_material("3002", publish_status=PublishStatus.OFFLINE))

    assert ids(answer(call(client, "GET", MINE))) == ["3002"]
    assert ids(answer(call(client, "GET", SHELF))) == ["3001"]


def test_mine_is_nobody_elses(client: Client, library: Library) -> None:
    own(library, "3002")

    assert answer(call(client, "GET", MINE, token="student-2"))["counts"] == 0


def test_two_purchases_of_one_material_are_one_row_that_a_refund_leaves(
    client: Client, library: Library
) -> None:
    """A free grant while a payment was under way: both came, and one goes back."""
    pending = library.chosen_id("3002")
    library.store.put_material(a_free_material("3002"))
    free = library.chosen_id("3002")
    library.clock.advance(minutes=1)
    library.pay(pending)

    assert answer(call(client, "GET", MINE))["counts"] == 1
    library.refund(pending)
    (row,) = answer(call(client, "GET", MINE))["items"]
    assert (row["chooseMaterialId"], row["chooseType"]) == (free, "700001")
