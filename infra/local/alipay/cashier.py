"""The cashier page (收银台): the payer logs in, enters the password and pays, or cancels."""

from __future__ import annotations

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from infra.local.alipay.browser_return import return_location
from infra.local.alipay.buyer import TEST_BUYER
from infra.local.alipay.ledger import Cashier
from infra.local.alipay.platform import Platform
from infra.local.alipay.refusal import Refusal, business
from infra.local.alipay.trade import TradeStatus

_FORM_IS_GONE = business("TRADE_NOT_EXIST", "收银台页面已失效，请返回商家重新发起支付")


def cashier(platform: Platform) -> Blueprint:
    """The pages of the cashier, and what their buttons do."""
    routes = Blueprint("cashier", __name__, url_prefix="/cashier")

    @routes.get("/<cashier_id>")
    def show(cashier_id: str) -> AnyResponse:
        return _page(platform, cashier_id, _visit(platform, cashier_id))

    @routes.post("/<cashier_id>/login")
    def log_in(cashier_id: str) -> AnyResponse:
        visit = _visit(platform, cashier_id)
        if request.form.get("logon_id", "").strip() != TEST_BUYER.logon_id:
            return _page(platform, cashier_id, visit, "没有这个账号")
        platform.ledger.log_in(visit.offer, cashier_id)
        return redirect(url_for("cashier.show", cashier_id=cashier_id), 303)

    @routes.post("/<cashier_id>/pay")
    def pay(cashier_id: str) -> AnyResponse:
        visit = _visit(platform, cashier_id)
        if request.form.get("action") == "cancel":
            return _left(visit)
        if not visit.is_logged_in:
            return _page(platform, cashier_id, visit, "请先登录")
        if request.form.get("pay_password") != TEST_BUYER.pay_password:
            return _page(platform, cashier_id, visit, "支付密码不正确")
        location = return_location(platform, platform.ledger.pay(visit.offer.out_trade_no))
        return redirect(location or url_for("cashier.show", cashier_id=cashier_id), 302)

    @routes.errorhandler(Refusal)
    def refused(refusal: Refusal) -> str:
        return render_template("refused.html", refusal=refusal)

    return routes


def _visit(platform: Platform, cashier_id: str) -> Cashier:
    visit = platform.ledger.cashier(cashier_id)
    if visit is None:
        raise _FORM_IS_GONE
    return visit


def _left(visit: Cashier) -> AnyResponse:
    """Cancelling leaves the trade unpaid and payable."""
    if visit.offer.quit_url:
        return redirect(visit.offer.quit_url, 302)
    return Response(render_template("left.html", offer=visit.offer))


def _page(platform: Platform, cashier_id: str, visit: Cashier, complaint: str = "") -> AnyResponse:
    trade = platform.ledger.find("", visit.offer.out_trade_no) if visit.is_logged_in else None
    page = render_template(
        "cashier.html",
        cashier_id=cashier_id,
        merchant=platform.merchant,
        offer=visit.offer,
        buyer=TEST_BUYER,
        trade=trade,
        status=TradeStatus,
        complaint=complaint,
        return_to=return_location(platform, trade) if trade and trade.gmt_payment else "",
    )
    return Response(page, headers={"Cache-Control": "no-store"})
