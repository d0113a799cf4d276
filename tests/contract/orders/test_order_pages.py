"""A user's orders, page by page."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.errors import InvalidRequest
from chalicelib.orders.model import OrderId, OrderStatus
from chalicelib.orders.ports import Change, OrderStore
from tests.contract.orders.things import NOW, ORDER


@pytest.fixture
def with_orders(store: OrderStore) -> OrderStore:
    """Seven orders of one student, every second one paid, and one of somebody else."""
    for n in range(7):
        order = replace(
            ORDER,
            order_id=OrderId(str(1000 + n)),
            created_at=NOW + timedelta(minutes=n),
            status=OrderStatus.PAID if n % 2 else OrderStatus.UNPAID,
        )
        store.commit(Change(write_id=f"w{n}", orders=(order,)))
    other = replace(ORDER, order_id=OrderId("2000"), user_id="student-2")
    store.commit(Change(write_id="w", orders=(other,)))
    return store


def _all(store: OrderStore, status: OrderStatus | None, size: int) -> list[list[str]]:
    pages, token = [], None
    while True:
        page = store.orders_of("student-1", status=status, size=size, page_token=token)
        pages.append([order.order_id for order in page.orders])
        token = page.next_token
        if token is None:
            return pages


def test_the_newest_come_first_and_every_one_once(with_orders: OrderStore) -> None:
    pages = _all(with_orders, None, 3)
    assert pages == [["1006", "1005", "1004"], ["1003", "1002", "1001"], ["1000"]]


def test_a_page_that_fits_exactly_has_none_after_it(with_orders: OrderStore) -> None:
    assert _all(with_orders, None, 7) == [["1006", "1005", "1004", "1003", "1002", "1001", "1000"]]


def test_a_status_is_filtered_and_pages_stay_full(with_orders: OrderStore) -> None:
    assert _all(with_orders, OrderStatus.PAID, 2) == [["1005", "1003"], ["1001"]]
    assert _all(with_orders, OrderStatus.REFUNDED, 2) == [[]]


def test_a_user_without_orders_has_an_empty_page(with_orders: OrderStore) -> None:
    page = with_orders.orders_of("student-3", status=None, size=10, page_token=None)
    assert (page.orders, page.next_token) == ((), None)


def test_a_token_of_somebody_else_is_refused(with_orders: OrderStore) -> None:
    page = with_orders.orders_of("student-1", status=None, size=2, page_token=None)
    with pytest.raises(InvalidRequest):
        with_orders.orders_of("student-2", status=None, size=2, page_token=page.next_token)


@pytest.mark.parametrize("token", ["", "x", "!!", "e30", "bnVsbA", "\ud800", "a" * 5000])
def test_a_broken_token_is_refused(with_orders: OrderStore, token: str) -> None:
    with pytest.raises(InvalidRequest):
        with_orders.orders_of("student-1", status=None, size=2, page_token=token)
