"""My orders over HTTP: the list, one order, and cancelling it.

Each answer depends on the token, the path and the query alone: no body is read.
"""

from __future__ import annotations

from chalice.app import Response

from chalicelib import wiring
from chalicelib.authorizer import caller, jwt_authorizer
from chalicelib.deadline import Deadline
from chalicelib.http import Api, cors, for_one_user, query_of
from chalicelib.orders.model import OrderId
from chalicelib.orders.order_book import parse_order_id, parse_order_query
from chalicelib.orders.routes import render
from chalicelib.orders.routes.patience import SECONDS_ON_PLATFORMS

my_orders = Api(__name__)

_ANY_BODY = ["application/json", "application/x-www-form-urlencoded", "text/plain"]
"""What browsers and command lines name for a POST whose body does not matter."""


@my_orders.route("/", methods=["GET"], authorizer=jwt_authorizer, cors=cors())
def list_orders() -> Response:
    """One page of the caller's orders, newest first."""
    query = parse_order_query(query_of(my_orders.current_request))
    page = wiring.order_book().page(_user_id(), query)
    return for_one_user(render.order_page(page, wiring.clock().now()))


@my_orders.route("/{order_id}", methods=["GET"], authorizer=jwt_authorizer, cors=cors())
def show_order(order_id: str) -> Response:
    """One order of the caller with its goods, attempts and refunds."""
    return _shown(parse_order_id(order_id))


@my_orders.route(
    "/{order_id}/cancel",
    methods=["POST"],
    authorizer=jwt_authorizer,
    content_types=_ANY_BODY,
    cors=cors(),
)
def cancel_order(order_id: str) -> Response:
    """Close an unpaid order of the caller; the order as it is then. Safe to repeat."""
    number = parse_order_id(order_id)
    wiring.orders().cancel(_user_id(), number, Deadline.after(SECONDS_ON_PLATFORMS))
    return _shown(number)


def _shown(order_id: OrderId) -> Response:
    detail = wiring.order_book().detail(_user_id(), order_id)
    return for_one_user(render.order_detail(detail, wiring.clock().now()))


def _user_id() -> str:
    return caller(my_orders.current_request).user_id
