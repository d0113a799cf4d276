"""My orders: what the owner of an order may read of it. Changes nothing, asks no platform."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain

from chalicelib.errors import InvalidRequest, NotFound
from chalicelib.orders.model import (
    Order,
    OrderId,
    OrderItem,
    OrderStatus,
    PayRecord,
    Refund,
)
from chalicelib.orders.ports import OrderPage, OrderStore
from chalicelib.paging import DEFAULT_PAGE_SIZE, page_size

_ORDER_ID = re.compile(r"[0-9]{1,19}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderQuery:
    """Which of a user's orders to show; no ``status`` shows all, no ``page_token`` the newest."""

    status: OrderStatus | None = None
    size: int = DEFAULT_PAGE_SIZE
    page_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDetail:
    """An order, its goods, its attempts and their refunds, both oldest first."""

    order: Order
    items: tuple[OrderItem, ...]
    attempts: tuple[PayRecord, ...]
    refunds: tuple[Refund, ...]


def parse_order_query(params: Mapping[str, str]) -> OrderQuery:
    """Read the query of ``GET /orders``; an absent or empty parameter has its default.

    Raises
    ------
    InvalidRequest
        A value is unknown or out of range; the message names the parameter.
    """
    return OrderQuery(
        status=_status(params.get("status", "")),
        size=page_size(params),
        page_token=params.get("pageToken") or None,
    )


def parse_order_id(text: str) -> OrderId:
    """The order number of a path.

    Raises
    ------
    NotFound
        No order can have this number; as if there were none, so that numbers tell nothing.
    """
    if _ORDER_ID.fullmatch(text) is None:
        raise no_such_order(text[:64])
    return OrderId(text)


def no_such_order(order_id: str) -> NotFound:
    """The one answer for orders that do not exist and for those of others (I8)."""
    return NotFound("订单不存在", detail=f"order {order_id!r}")


class OrderBook:
    """Shows orders to their owners, and to nobody else."""

    def __init__(self, store: OrderStore) -> None:
        self._store = store

    def page(self, user_id: str, query: OrderQuery) -> OrderPage:
        """Some orders of a user, newest first; may lag behind by a moment.

        Raises
        ------
        InvalidRequest
            The page token is broken or another user's.
        """
        return self._store.orders_of(
            user_id, status=query.status, size=query.size, page_token=query.page_token
        )

    def detail(self, user_id: str, order_id: OrderId) -> OrderDetail:
        """All of one order, as it is stored now.

        Raises
        ------
        NotFound
            No such order, or somebody else's.
        """
        order = self._store.order(order_id)
        if order is None or order.user_id != user_id:
            raise no_such_order(order_id)
        attempts = self._store.pay_records(order.pay_nos)
        numbers = chain.from_iterable(attempt.refund_nos for attempt in attempts)
        return OrderDetail(
            order=order,
            items=self._store.items(order_id),
            attempts=attempts,
            refunds=self._store.refunds(tuple(numbers)),
        )


def _status(code: str) -> OrderStatus | None:
    if not code:
        return None
    try:
        return OrderStatus(code)
    except ValueError:
        allowed = "、".join(OrderStatus)
        raise InvalidRequest(
            f"参数 status 只能是 {allowed}", detail=f"status={code[:64]!r}"
        ) from None
