"""The catalogue page by page, and many rows at once: the fake and DynamoDB."""

from __future__ import annotations

import base64

import pytest

from chalicelib.errors import InvalidRequest
from chalicelib.resources.ports import ResourcesChange, ResourcesStore
from chalicelib.selling.codes import PublishStatus
from tests.unit.resources.builders import (
    STUDENT,
    a_free_material,
    a_grant,
    a_material,
    a_pending_record,
    an_owned,
)

SEVEN = tuple(str(number) for number in range(3000, 3007))


def with_seven(store: ResourcesStore) -> ResourcesStore:
    """Seven published materials, imported in no order, and two that are not."""
    for material_id in (*SEVEN[3:], *SEVEN[:3]):
        store.put_material(a_material(material_id))
    for number, status in (("2999", PublishStatus.OFFLINE), ("3008", PublishStatus.UNPUBLISHED)):
        store.put_material(a_material(number, publish_status=status))
    return store


def all_pages(store: ResourcesStore, size: int) -> list[list[str]]:
    pages, token = [], None
    while True:
        page = store.published(size=size, page_token=token)
        pages.append([material.material_id for material in page.materials])
        token = page.next_token
        if token is None:
            return pages


@pytest.mark.parametrize(
    "material",
    [
        a_material(),
        a_free_material(),
        a_material(charge=None, price_fen=None),
        a_material(price_fen=0),
        a_material(publish_status=PublishStatus.OFFLINE),
    ],
)
def test_a_material_comes_back_as_it_was_imported(store, material):
    store.put_material(material)

    assert store.material(material.material_id) == material
    assert store.materials([material.material_id]) == {material.material_id: material}


def test_an_imported_material_replaces_the_older_one(store):
    store.put_material(a_material())
    store.put_material(a_material(price_fen=None, sha256="cd" * 32))

    assert store.material("3002") == a_material(price_fen=None, sha256="cd" * 32)


@pytest.mark.parametrize("text", ["4711", "", "3" * 3000, "资料", "a#b"])
def test_a_material_that_is_not_there_is_none(store, text):
    store.put_material(a_material())

    assert store.material(text) is None
    assert set(store.materials([text, "3002", "3002"])) == {"3002"}


def test_no_ids_at_all_are_no_materials(store):
    assert store.materials([]) == {}


def test_more_materials_than_one_request_may_name_come_back(store):
    numbers = [str(4000 + n) for n in range(130)]
    for number in numbers:
        store.put_material(a_material(number))

    assert set(store.materials([*numbers, "nowhere"])) == set(numbers)


def test_what_is_published_comes_by_id_and_every_one_once(store):
    assert all_pages(with_seven(store), 3) == [list(SEVEN[:3]), list(SEVEN[3:6]), [SEVEN[6]]]


def test_a_page_that_fits_exactly_has_none_after_it(store):
    assert all_pages(with_seven(store), 7) == [list(SEVEN)]


def test_an_empty_catalogue_is_one_empty_page(store):
    assert all_pages(store, 5) == [[]]


def test_a_page_has_whole_materials(store):
    store.put_material(a_free_material())

    assert store.published(size=5, page_token=None).materials == (a_free_material(),)


def test_what_goes_offline_leaves_the_pages_and_comes_back(store):
    store.put_material(a_material())
    store.put_material(a_material(publish_status=PublishStatus.OFFLINE))
    assert all_pages(store, 5) == [[]]

    store.put_material(a_material())
    assert all_pages(store, 5) == [["3002"]]


def test_a_page_goes_on_although_its_last_material_went_offline_meanwhile(store):
    with_seven(store)
    token = store.published(size=3, page_token=None).next_token
    store.put_material(a_material(SEVEN[2], publish_status=PublishStatus.OFFLINE))

    page = store.published(size=3, page_token=token)

    assert [material.material_id for material in page.materials] == list(SEVEN[3:6])


@pytest.mark.parametrize(
    "place",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b'{"after": 1}',
        b'{"after": ""}',
        b'{"after": "a#b"}',
        b'{"after": "' + b"3" * 3000 + b'"}',
        b'{"after": "1", "shelf": "offline"}',
    ],
)
def test_a_token_of_no_page_is_refused(store, place):
    with_seven(store)
    token = base64.urlsafe_b64encode(place).decode().rstrip("=")

    with pytest.raises(InvalidRequest) as refused:
        store.published(size=3, page_token=token)

    assert refused.value.message == "参数 pageToken 有误"


@pytest.mark.parametrize("token", ["a", "a b", "资料", "****", "e30=\n"])
def test_a_token_that_is_no_base64_is_refused(store, token):
    with pytest.raises(InvalidRequest):
        store.published(size=3, page_token=token)


def test_a_user_finds_what_is_theirs_alone(store):
    for number, (user_id, material_id) in enumerate(
        ((STUDENT, "3002"), (STUDENT, "3003"), ("student-2", "3002"), ("student-2", "3004"))
    ):
        record = a_pending_record(str(number), user_id=user_id, material_id=material_id)
        owned = an_owned(
            a_grant(str(number), revoked=number == 1), user_id=user_id, material_id=material_id
        )
        store.commit(ResourcesChange(write_id=str(number), choose_material=record, owned=owned))

    assert {owned.material_id for owned in store.all_owned(STUDENT)} == {"3002", "3003"}
    assert {owned.user_id for owned in store.all_owned(STUDENT)} == {STUDENT}
    some = store.owned_of(STUDENT, ["3002", "3002", "3004", "no such"])
    assert some == {"3002": store.owned(STUDENT, "3002")}
