"""A user's orders page by page, with a token that says nothing and fits nobody else.

The token is where the index query stopped: the key of the last order. Its
user id must be the caller's own, so that a token never leads into somebody else's orders.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from chalicelib.clock import is_plausible
from chalicelib.dynamo import repeating, understood
from chalicelib.orders.model import OrderStatus, is_pay_no
from chalicelib.orders.ports import OrderPage
from chalicelib.orders.storage.reading import to_order
from chalicelib.orders.storage.rows import ByUserIndex, OrderRow
from chalicelib.paging import bad_token, place_in, token_of


class _Place(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    user_id: str
    order_id: str
    created_at: datetime


def orders_of(
    orders: type[OrderRow],
    user_id: str,
    *,
    status: OrderStatus | None,
    size: int,
    page_token: str | None,
) -> OrderPage:
    """At most ``size`` orders, newest first; may lag behind by a moment.

    Raises
    ------
    InvalidRequest
        The token is not one of this user's.
    Unavailable
        The database did not answer.
    """
    start = None if page_token is None else _key_of(orders, _place(page_token, user_id))

    def page() -> tuple[list[OrderRow], OrderRow | None]:
        found = orders.query(
            user_id,
            index_name=ByUserIndex.Meta.index_name,
            filter_condition=None if status is None else orders.status == status,
            scan_index_forward=False,
            # one more than is shown tells whether there is a next page
            limit=size + 1,
            last_evaluated_key=start,
        )
        rows = list(found)
        return rows[:size], rows[size - 1] if len(rows) > size else None

    rows, last = repeating(page)
    return OrderPage(
        orders=tuple(understood(to_order, row) for row in rows),
        next_token=None if last is None else _token(last),
    )


def _token(row: OrderRow) -> str:
    place = _Place(user_id=row.user_id, order_id=row.order_id, created_at=row.created_at)
    return token_of(place)


def _place(token: str, user_id: str) -> _Place:
    place = place_in(token, _Place)
    if place.user_id != user_id:
        raise bad_token("of another user")
    # whoever can read a token can write one for themselves
    aware = place.created_at.tzinfo is not None
    if not (aware and is_plausible(place.created_at) and is_pay_no(place.order_id)):
        raise bad_token("of no order")
    return place


def _key_of(orders: type[OrderRow], place: _Place) -> dict[str, dict[str, str]]:
    at = orders.created_at.serialize(place.created_at)  # type: ignore[no-untyped-call]
    return {
        "user_id": {"S": place.user_id},
        "order_id": {"S": place.order_id},
        "created_at": {"S": at},
    }
