"""What a payment link opens, in a payer's browser: the cashier page and the way to a platform.

Errors of ours are pages here, because a person reads them; what Chalice refuses before a view runs
(another content type) stays JSON.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlencode

from chalice.app import Response

from chalicelib import wiring
from chalicelib.errors import AppError, InvalidRequest
from chalicelib.http import Api, form_body, query_of
from chalicelib.observability import logger
from chalicelib.orders.browser import browser_of
from chalicelib.orders.cashier import Counter
from chalicelib.orders.links import payment_url
from chalicelib.orders.model import OrderStatus, PayChannel, PayNo
from chalicelib.orders.pages import (
    CashierState,
    CashierView,
    Page,
    alipay_form_page,
    cashier_page,
    message_page,
)
from chalicelib.settings import settings

pay_pages = Api(__name__)

_FORM = ["application/x-www-form-urlencoded"]
_TOKEN_LIFE = timedelta(minutes=30)
_RETURN_SIGNATURE_LIFE = timedelta(hours=24)


def _errors_are_pages(view: Callable[[], Response]) -> Callable[[], Response]:
    @functools.wraps(view)
    def answered() -> Response:
        try:
            return view()
        except AppError as error:
            logger.warning("refused", code=error.code, detail=error.detail)
            return _refusal(error)
        except Exception:  # noqa: BLE001  a person reads our answer, whatever went wrong
            logger.exception("unforeseen error on a page")
            return _refusal(AppError())

    return answered


@pay_pages.route("/requestpay", methods=["GET", "HEAD"])
@_errors_are_pages
def show_cashier() -> Response:
    """The page behind the QR code. Changes nothing: scanners and previews open links too."""
    query = query_of(pay_pages.current_request)
    pay_no, sign = PayNo(query.get("payNo", "")), query.get("sign", "")
    wiring.links().check("pay", pay_no, sign)
    counter = wiring.cashier().show(pay_no)
    now = wiring.clock().now()
    base = settings().require("public_base_url")
    page = cashier_page(
        CashierView(
            state=_state(counter),
            browser=browser_of(pay_pages.current_request.headers.get("user-agent", "")),
            title=counter.order.title,
            amount_fen=counter.live.amount_fen,
            expires_at=counter.order.expires_at,
            now=now,
            base_url=base,
            pay_no=pay_no,
            token=wiring.links().sign("open", pay_no, now + _TOKEN_LIFE),
            link=payment_url(base, pay_no, sign),
        )
    )
    return _response(page)


@pay_pages.route("/requestpay", methods=["POST"], content_types=_FORM)
@_errors_are_pages
def open_attempt() -> Response:
    """Open the attempt at the chosen platform; only the cashier page holds the token for it."""
    fields = form_body(pay_pages.current_request)
    pay_no = PayNo(fields.get("payNo", ""))
    wiring.links().check("open", pay_no, fields.get("token", ""))
    form = wiring.cashier().open(pay_no, _channel(fields.get("channel", PayChannel.ALIPAY)))
    return _response(alipay_form_page(form))


@pay_pages.route("/alipayreturn", methods=["GET"])
@_errors_are_pages
def alipay_return() -> Response:
    """Send the payer from Alipay to the result page; decides nothing, whatever it says.

    Alipay has just signed for the number, so the payer gets a signature of ours to read the
    result with: whoever pays for a friend has no token of the owner.
    """
    about = wiring.alipay().parse_return(query_of(pay_pages.current_request))
    target = settings().require("h5_result_url")
    joint = "&" if "?" in target else "?"
    until = wiring.clock().now() + _RETURN_SIGNATURE_LIFE
    known = {"payNo": about.pay_no, "sign": wiring.links().sign("pay", about.pay_no, until)}
    location = f"{target}{joint}{urlencode(known)}"
    return Response(
        body="", status_code=302, headers={"Location": location, "Cache-Control": "no-store"}
    )


def _refusal(error: AppError) -> Response:
    response = _response(message_page("支付提示", error.message), error.http_status)
    if error.retry_after_seconds is not None:
        response.headers["Retry-After"] = str(error.retry_after_seconds)
    return response


def _state(counter: Counter) -> CashierState:
    if counter.order.status in (OrderStatus.PAID, OrderStatus.COMPLETED):
        return CashierState.PAID
    payable = counter.payable(wiring.clock().now())
    return CashierState.PAYABLE if payable else CashierState.CLOSED


def _channel(code: str) -> PayChannel:
    try:
        channel = PayChannel(code)
    except ValueError:
        raise InvalidRequest("不支持的支付方式", detail=f"channel {code!r}") from None
    if channel not in wiring.channels():
        raise InvalidRequest("暂不支持该支付方式", detail=f"channel {channel.name} is not served")
    return channel


def _response(page: Page, status: int = 200) -> Response:
    return Response(body=page.html, status_code=status, headers=dict(page.headers))
