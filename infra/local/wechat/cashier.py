"""The pay page: the payer pays or cancels, and goes back to where they came from."""

from __future__ import annotations

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from chalicelib.money import fen_to_yuan_text
from infra.local.wechat.ledger import PAID, TradeState
from infra.local.wechat.platform import Platform
from infra.local.wechat.refusal import Refusal, against_rules
from infra.local.wechat.visits import Visit


def cashier(platform: Platform) -> Blueprint:
    """The page of a visit, and what its buttons do."""
    routes = Blueprint("cashier", __name__, url_prefix="/cashier")

    @routes.get("/<visit_id>")
    def show(visit_id: str) -> AnyResponse:
        return _page(platform, visit_id, _visit(platform, visit_id))

    @routes.post("/<visit_id>/pay")
    def pay(visit_id: str) -> AnyResponse:
        visit = _visit(platform, visit_id)
        if request.form.get("action") == "pay":
            platform.ledger.pay(visit.prepay.order.out_trade_no, visit.openid)
        elif not visit.return_url:
            return Response(render_template("left.html", order=visit.prepay.order))
        return redirect(visit.return_url or url_for("cashier.show", visit_id=visit_id), 303)

    @routes.errorhandler(Refusal)
    def refused(refusal: Refusal) -> str:
        return render_template("refused.html", message=refusal.message, code=refusal.code)

    return routes


def _visit(platform: Platform, visit_id: str) -> Visit:
    visit = platform.visits.find(visit_id)
    if visit is None:
        raise against_rules("支付页面已失效，请返回商家重新发起支付")
    return visit


def _page(platform: Platform, visit_id: str, visit: Visit) -> AnyResponse:
    order = visit.prepay.order
    trade = platform.ledger.find(order.out_trade_no)
    state = trade.state if trade is not None else TradeState.CLOSED
    page = render_template(
        "cashier.html",
        visit_id=visit_id,
        merchant=platform.merchant,
        order=order,
        openid=visit.openid,
        amount=fen_to_yuan_text(order.total),
        is_paid=state in PAID,
        is_closed=state is TradeState.CLOSED,
        return_to=visit.return_url,
    )
    return Response(page, headers={"Cache-Control": "no-store"})
