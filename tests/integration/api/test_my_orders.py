"""My orders: the list and one order, on the real engine."""

from __future__ import annotations

import base64
import json
from itertools import chain

import pytest

from tests.integration.api.client import assert_refused
from tests.integration.api.my_orders import cancel, pages, show
from tests.integration.api.shop import Purchase, Shop, Student


def order_ids(orders: list[dict[str, object]]) -> list[object]:
    return [order["orderId"] for order in orders]


@pytest.fixture(scope="module")
def student(shop: Shop) -> Student:
    return shop.student()


@pytest.fixture(scope="module")
def five(shop: Shop, student: Student) -> list[Purchase]:
    """Orders of one student, oldest first; the second and the fourth are cancelled."""
    purchases = [shop.order(student) for _ in range(5)]
    for purchase in (purchases[1], purchases[3]):
        assert cancel(shop, purchase).status == 200
    return purchases


def test_the_list_is_newest_first_and_tells_the_time(
    shop: Shop, student: Student, five: list[Purchase]
) -> None:
    page = shop.client.get("/orders", token=student.token).ok()
    assert order_ids(page["items"]) == [purchase.order_id for purchase in reversed(five)]
    assert page["nextPageToken"] is None
    assert page["now"] < page["items"][0]["expiresAt"]


@pytest.mark.parametrize("size", ["1", "2", "4", "5", "50"])
def test_the_pages_together_are_the_list(
    shop: Shop, student: Student, five: list[Purchase], size: str
) -> None:
    found = list(pages(shop, student, size=size))
    assert all(len(page) <= int(size) for page in found)
    assert all(found), "an empty page at the end"
    assert order_ids(list(chain.from_iterable(found))) == [p.order_id for p in reversed(five)]


def test_the_pages_of_one_status_together_are_the_orders_of_it(
    shop: Shop, student: Student, five: list[Purchase]
) -> None:
    closed = chain.from_iterable(pages(shop, student, size="1", status="600003"))
    unpaid = chain.from_iterable(pages(shop, student, size="2", status="600001"))
    assert order_ids(list(closed)) == [five[3].order_id, five[1].order_id]
    assert order_ids(list(unpaid)) == [five[4].order_id, five[2].order_id, five[0].order_id]
    assert list(pages(shop, student, status="600002")) == [[]]


def test_orders_made_meanwhile_do_not_shift_the_pages(shop: Shop) -> None:
    student = shop.student()
    first, second = shop.order(student), shop.order(student)
    following = pages(shop, student, size="1")
    newest = next(following)
    shop.order(student)
    assert order_ids([*newest, *chain.from_iterable(following)]) == [
        second.order_id,
        first.order_id,
    ]


def test_i8_a_token_of_somebody_else_is_refused(
    shop: Shop, student: Student, five: list[Purchase]
) -> None:
    page = shop.client.get("/orders", {"size": "1"}, student.token).ok()
    query = {"pageToken": page["nextPageToken"]}
    answer = shop.client.get("/orders", query, shop.student().token)
    assert_refused(answer, 400, "INVALID_REQUEST", "pageToken")


def _forged(**place: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "=",
        "a" * 5000,
        "令牌",
        "\x00",
        _forged(),
        _forged(user_id="u", order_id="1", created_at="yesterday"),
        _forged(user_id="u", order_id="1", created_at="2026-01-01T00:00:00"),
        _forged(user_id=1, order_id="1", created_at="2026-01-01T00:00:00Z"),
        base64.urlsafe_b64encode(b"\xff" * 40).decode(),
    ],
)
def test_i10_a_broken_token_is_refused(shop: Shop, student: Student, token: str) -> None:
    answer = shop.client.get("/orders", {"pageToken": token}, student.token)
    assert_refused(answer, 400, "INVALID_REQUEST", "pageToken")


@pytest.mark.parametrize(
    "place",
    [
        {"order_id": "", "created_at": "2026-01-01T00:00:00Z"},
        {"order_id": "1", "created_at": "0001-01-01T00:00:00Z"},
        {"order_id": "1" * 3000, "created_at": "2026-01-01T00:00:00Z"},
        {"order_id": "1", "created_at": "9999-12-31T23:59:59-12:00"},
    ],
)
def test_i10_a_token_forged_for_oneself_breaks_nothing(
    shop: Shop, student: Student, place: dict[str, str]
) -> None:
    token = _forged(user_id=student.user_id, **place)
    with shop.unchanged():
        answer = shop.client.get("/orders", {"pageToken": token}, student.token)
    assert answer.status in (200, 400), answer.text


@pytest.mark.parametrize("query", ["status=600006", "size=51", "size=x", "status=1&status=1"])
def test_i10_a_wrong_parameter_is_refused(shop: Shop, student: Student, query: str) -> None:
    answer = shop.client.get("/orders", query, student.token)
    assert_refused(answer, 400, "INVALID_REQUEST", query.partition("=")[0])


def test_a_paid_order_shows_its_goods_and_what_paid_them(shop: Shop) -> None:
    purchase = shop.paid()

    with shop.unchanged():
        order = show(shop, purchase)

    assert (order["status"], order["paidByPayNo"]) == ("600002", purchase.pay_no)
    assert order["outBusinessId"] == purchase.record_id
    (item,) = order["items"]
    assert (item["goodsId"], item["goodsPriceFen"]) == (purchase.goods_id, 990)
    (attempt,) = order["attempts"]
    assert (attempt["payNo"], attempt["status"]) == (purchase.pay_no, "601002")
    assert (attempt["tradeType"], attempt["paidAmountFen"]) == ("ALI_WAP", 990)
    assert order["refunds"] == []


def test_a_payment_that_buys_nothing_is_shown_with_its_refund(shop: Shop) -> None:
    purchase = shop.opened()
    assert shop.notify(purchase, total_amount="0.01").text == "success"

    order = show(shop, purchase)

    (attempt,) = order["attempts"]
    assert (attempt["surplusReason"], attempt["paidAmount"]) == ("wrong_amount", "0.01")
    (refund,) = order["refunds"]
    assert (refund["payNo"], refund["refundFen"]) == (purchase.pay_no, 1)
    assert (refund["kind"], refund["status"]) == ("automatic", "owed")


def test_a_script_of_the_h5_pages_may_read_it(shop: Shop, student: Student) -> None:
    answer = shop.client.get("/orders", token=student.token)
    assert answer.headers["access-control-allow-origin"] == shop.client.h5_origin
