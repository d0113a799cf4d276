"""What the owner of an order may read of it, and how a query of the list is read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.errors import InvalidRequest, NotFound
from chalicelib.orders.model import OrderId, OrderStatus, PayNo
from chalicelib.orders.order_book import (
    OrderBook,
    OrderQuery,
    parse_order_id,
    parse_order_query,
)
from tests.unit.orders.shop import NATIVE, STUDENT, Shop


def test_an_order_comes_with_its_goods_its_attempts_and_their_refunds() -> None:
    shop = Shop()
    offer = shop.opened()
    shop.notified(offer.record.pay_no, shop.paid(fen=1))
    shop.offer()

    detail = OrderBook(shop.store).detail(STUDENT, offer.order.order_id)

    assert detail.order == shop.order_of(offer)
    assert [item.title for item in detail.items] == ["Java 编程思想"]
    assert tuple(attempt.pay_no for attempt in detail.attempts) == detail.order.pay_nos
    assert len(detail.attempts) == 2
    assert [refund.pay_no for refund in detail.refunds] == [offer.record.pay_no]


def test_attempts_come_oldest_first() -> None:
    shop = Shop()
    offer = shop.opened()
    shop.open(offer.record.pay_no, NATIVE)

    attempts = OrderBook(shop.store).detail(STUDENT, offer.order.order_id).attempts

    assert [attempt.channel for attempt in attempts] == ["603002", "603001"]


def test_i8_somebody_elses_order_is_refused_as_one_that_does_not_exist() -> None:
    shop = Shop()
    offer = shop.offer()
    book = OrderBook(shop.store)

    with pytest.raises(NotFound) as foreign:
        book.detail("student-2", offer.order.order_id)
    with pytest.raises(NotFound) as missing:
        book.detail("student-2", OrderId("1"))

    assert foreign.value.message == missing.value.message == "订单不存在"


def test_the_list_has_the_users_own_orders_newest_first() -> None:
    shop = Shop()
    first = shop.offer()
    shop.cancel(first)
    shop.clock.advance(minutes=1)
    second = shop.offer()
    stranger = replace(shop.order_of(first), order_id=OrderId("7"), user_id="student-2")
    shop.store.orders[stranger.order_id] = stranger

    page = OrderBook(shop.store).page(STUDENT, OrderQuery())

    assert [order.order_id for order in page.orders] == [
        second.order.order_id,
        first.order.order_id,
    ]
    assert page.next_token is None


def test_the_list_is_filtered_and_cut_as_asked() -> None:
    shop = Shop()
    for _ in range(3):
        shop.cancel(shop.offer())
        shop.clock.advance(minutes=1)
    shop.offer()
    book = OrderBook(shop.store)
    query = OrderQuery(status=OrderStatus.CLOSED, size=2)

    page = book.page(STUDENT, query)
    rest = book.page(STUDENT, replace(query, page_token=page.next_token))

    assert [len(page.orders), len(rest.orders)] == [2, 1]
    assert {order.status for order in page.orders + rest.orders} == {OrderStatus.CLOSED}
    assert rest.next_token is None


@pytest.mark.parametrize(
    "params", [{}, {"status": "", "size": "", "pageToken": ""}, {"unknown": "1"}]
)
def test_without_parameters_the_first_ten_of_all_orders_are_meant(params: dict[str, str]) -> None:
    assert parse_order_query(params) == OrderQuery(status=None, size=10, page_token=None)


def test_every_parameter_is_read() -> None:
    params = {"status": "600002", "size": "50", "pageToken": "t"}
    assert parse_order_query(params) == OrderQuery(status=OrderStatus.PAID, size=50, page_token="t")


@pytest.mark.parametrize("status", list(OrderStatus))
def test_every_status_of_the_platform_may_be_asked_for(status: OrderStatus) -> None:
    assert parse_order_query({"status": status.value}).status is status


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status", "600006"),
        ("status", "601001"),
        ("status", "UNPAID"),
        ("size", "0"),
        ("size", "51"),
        ("size", "-1"),
        ("size", "1.0"),
        ("size", "٣"),
        ("size", "9" * 5000),
    ],
)
def test_an_unknown_or_excessive_parameter_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(InvalidRequest, match=f"参数 {name} "):
        parse_order_query({name: value})


@pytest.mark.parametrize("text", ["", "x", "-1", "1 ", "1\n", "9" * 20, "٣", "1#2"])
def test_what_is_no_order_number_is_refused_as_one_that_does_not_exist(text: str) -> None:
    with pytest.raises(NotFound, match="订单不存在"):
        parse_order_id(text)


def test_an_order_number_is_read() -> None:
    assert parse_order_id("9" * 19) == "9" * 19


def test_i8_the_pay_number_of_an_order_is_no_order_number() -> None:
    shop = Shop()
    offer = shop.offer()
    with pytest.raises(NotFound):
        OrderBook(shop.store).detail(STUDENT, OrderId(PayNo(offer.record.pay_no)))
