"""Payments over HTTP: codes and results for the frontends.

My orders are in ``order_api``, refunds in ``refund_api``, the pages that payers see in
``pay_pages``, the platforms' notifications in ``notify_api``.
"""

from __future__ import annotations

import msgspec
from chalice.app import Response

from chalicelib import wiring
from chalicelib.authorizer import bearer_user, caller, jwt_authorizer
from chalicelib.deadline import Deadline
from chalicelib.errors import InvalidRequest, NotFound, Unauthenticated
from chalicelib.http import Api, cors, for_one_user, json_body, query_of
from chalicelib.orders.model import PayNo
from chalicelib.orders.pages.links import payment_url
from chalicelib.orders.pages.qr import qr_data_uri
from chalicelib.orders.routes import render
from chalicelib.orders.routes.patience import LINK_OUTLIVES_ORDER, SECONDS_ON_PLATFORMS
from chalicelib.orders.service import Offer
from chalicelib.purchasables import OrderType
from chalicelib.settings import settings

orders = Api(__name__)


class _PayCodeRequest(msgspec.Struct, rename="camel"):
    """What counts in the body; the frontends' other fields (a price, a name) are not read."""

    out_business_id: str
    order_type: str


@orders.route("/generatepaycode", methods=["POST"], authorizer=jwt_authorizer, cors=cors())
def generate_pay_code() -> Response:
    """Order, pay record and QR code for a choose-course record of the caller."""
    user = caller(orders.current_request)
    wanted = json_body(orders.current_request, _PayCodeRequest)
    offer = wiring.orders().offer(
        user.user_id,
        wanted.out_business_id,
        _order_type(wanted.order_type),
        Deadline.after(SECONDS_ON_PLATFORMS),
    )
    link = _link(offer)
    return for_one_user(render.pay_code(offer, qr_data_uri(link), link, wiring.clock().now()))


@orders.route("/payresult", methods=["GET"], cors=cors())
def pay_result() -> Response:
    """The order's outcome and this attempt's: all of it to the owner, little to a payer."""
    query = query_of(orders.current_request)
    pay_no = PayNo(query.get("payNo", ""))
    for_owner = _asks_as_owner(pay_no, query.get("sign"))
    outcome = wiring.payment_results().outcome(pay_no, Deadline.after(SECONDS_ON_PLATFORMS))
    if for_owner:
        return for_one_user(render.pay_result(outcome, wiring.clock().now()))
    return for_one_user(render.pay_result_for_payer(outcome))


def _asks_as_owner(pay_no: PayNo, sign: str | None) -> bool:
    """Whether the caller is the owner; a payer with the link's signature may be logged in too.

    Raises
    ------
    Unauthenticated, NotFound, InvalidLink
        Neither the owner's token nor the link's signature.
    """
    try:
        user = bearer_user(orders.current_request, wiring.token_verifier)
        if user is None:
            raise Unauthenticated(detail="neither token nor signature")
        if wiring.payment_results().stored(pay_no).order.user_id == user.user_id:
            return True
        raise NotFound("支付记录不存在", detail=f"pay_no {pay_no} is not the caller's")
    except (Unauthenticated, NotFound):
        if sign is None:
            raise
    wiring.links().check("pay", pay_no, sign)
    return False


def _order_type(code: str) -> OrderType:
    try:
        return OrderType(code)
    except ValueError:
        raise InvalidRequest("不支持的订单类型", detail=f"orderType {code[:64]!r}") from None


def _link(offer: Offer) -> str:
    pay_no = offer.record.pay_no
    expires_at = offer.order.expires_at + LINK_OUTLIVES_ORDER
    return payment_url(
        settings().require("public_base_url"),
        pay_no,
        wiring.links().sign("pay", pay_no, expires_at),
    )
