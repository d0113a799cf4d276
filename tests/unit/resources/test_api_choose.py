"""The route that gets a material, and the doors of all routes."""

from __future__ import annotations

import re

import pytest
from chalice.test import Client

from tests.unit.learning.calls import answer, call, refusal
from tests.unit.resources.builders import NAME, STUDENT, Library

FORM = "application/x-www-form-urlencoded"
CHOOSE = "/resources/choose/3002"


def test_choosing_a_paid_material_answers_the_record_that_awaits_payment(client: Client) -> None:
    body = answer(call(client, "POST", CHOOSE))

    assert re.fullmatch(r"[0-9]+", body.pop("id"))
    assert body == {
        "materialId": "3002",
        "materialName": NAME,
        "userId": STUDENT,
        "companyId": "22",
        "chooseType": "700002",
        "price": "9.90",
        "priceFen": 990,
        "status": "701002",
        "createdAt": "2026-03-01T12:00:00+08:00",
        "paidAt": None,
        "owned": False,
    }


def test_choosing_a_free_material_gives_it_at_once(client: Client) -> None:
    body = answer(call(client, "POST", "/resources/choose/3001"))

    assert (body["chooseType"], body["status"], body["owned"]) == ("700001", "701001", True)
    assert (body["price"], body["priceFen"]) == ("0.00", 0)
    assert body["createdAt"] == body["paidAt"] == "2026-03-01T12:00:00+08:00"


def test_choosing_what_is_owned_answers_the_record_that_opened_it(
    client: Client, library: Library
) -> None:
    first = answer(call(client, "POST", CHOOSE))
    library.clock.advance(minutes=3)
    library.pay(first["id"])

    again = answer(call(client, "POST", CHOOSE))

    bought = {"status": "701001", "owned": True, "paidAt": "2026-03-01T12:03:00+08:00"}
    assert again == {**first, **bought}


def test_a_second_click_gets_the_same_record(client: Client) -> None:
    assert answer(call(client, "POST", CHOOSE)) == answer(call(client, "POST", CHOOSE))


def test_a_refunded_material_is_chosen_anew(client: Client, library: Library) -> None:
    first = answer(call(client, "POST", CHOOSE))
    library.pay(first["id"])
    library.refund(first["id"])

    again = answer(call(client, "POST", CHOOSE))

    assert again["id"] != first["id"]
    assert (again["status"], again["owned"]) == ("701002", False)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", None),
        (b"", "text/plain;charset=UTF-8"),
        (b"price=0.01&userId=student-2&status=701001", FORM),
        (b'{"price": "0.01", "priceFen": 1, "userId": "student-2", "owned": true}', None),
        (b"{not json", "application/json"),
        (b"\xff\xfe", "application/json"),
    ],
)
def test_a_body_changes_nothing(client: Client, body: bytes, content_type: str | None) -> None:
    plain = answer(call(client, "POST", CHOOSE))

    response = call(client, "POST", CHOOSE, body=body, content_type=content_type)

    assert answer(response) == plain


def test_an_unknown_material_is_not_found(client: Client) -> None:
    response = call(client, "POST", "/resources/choose/4711")

    assert refusal(response) == (404, "NOT_FOUND", "资料不存在")


@pytest.mark.parametrize(
    ("material_id", "says"),
    [("3005", "资料尚未发布，暂不可选购"), ("3006", "资料已下线，暂不可选购")],
)
def test_what_is_not_published_is_refused(
    client: Client, library: Library, material_id: str, says: str
) -> None:
    response = call(client, "POST", f"/resources/choose/{material_id}")

    assert refusal(response) == (409, "NOT_FOR_SALE", says)
    assert library.store.commits == []


def test_a_material_that_is_being_opened_says_so(client: Client, library: Library) -> None:
    record = answer(call(client, "POST", CHOOSE))
    library.purchases.paid.add(record["id"])

    response = call(client, "POST", CHOOSE)

    assert refusal(response) == (409, "GOODS_BEING_OPENED", "订单已支付，正在开通")


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/resources/choose/{}"), ("GET", "/resources/{}/download")]
)
@pytest.mark.parametrize("material_id", ["a%23b", "a" * 65, "%E8%B5%84"])
def test_a_text_that_is_no_material_id_is_refused(
    client: Client, method: str, path: str, material_id: str
) -> None:
    response = call(client, method, path.format(material_id))

    assert refusal(response) == (400, "INVALID_REQUEST", "资料编号无效")


every_route = pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/resources/choose/3001"),
        ("GET", "/resources"),
        ("GET", "/resources/mine"),
        ("GET", "/resources/3001/download"),
    ],
)


@every_route
def test_no_route_answers_without_a_token(
    client: Client, library: Library, method: str, path: str
) -> None:
    assert call(client, method, path, token=None).status_code == 401
    assert library.store.commits == []


@every_route
def test_no_route_answers_to_a_bad_token(
    client: Client, library: Library, method: str, path: str
) -> None:
    """The exception is what makes the gateway answer 401 by itself."""
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        call(client, method, path, token="nobody")
    assert library.store.commits == []
