"""Step 3 for a payer's browser: open an attempt, and answer with what leads to its platform."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

from chalice.app import Response

from chalicelib import wiring
from chalicelib.deadline import Deadline
from chalicelib.errors import AppError, PaymentInProgress
from chalicelib.orders.model import PayNo, TradeType
from chalicelib.orders.pages.answers import page_answer, refusal, with_retry_after
from chalicelib.orders.pages.layout import Again, Page, waiting_page
from chalicelib.orders.pages.links import payment_url, signed_url
from chalicelib.orders.pages.platforms import (
    WaysOn,
    alipay_form_page,
    wechat_bridge_page,
    wechat_code_page,
    wechat_h5_page,
)
from chalicelib.orders.platform import Bridge, CodeUrl, Form, Payer, Presentation, Redirect
from chalicelib.orders.routes.patience import LINK_OUTLIVES_ORDER
from chalicelib.settings import settings

_TOKEN_LIFE = timedelta(minutes=30)
_RETRY_SECONDS = 3


def requestpay_address() -> str:
    """Where the forms of the cashier page lead."""
    return f"{settings().require('public_base_url')}/orders/requestpay"


def token_for(pay_no: PayNo) -> str:
    """What our forms prove that they are ours with."""
    return wiring.links().sign("open", pay_no, wiring.clock().now() + _TOKEN_LIFE)


def ways_on(pay_no: PayNo) -> WaysOn:
    """The addresses by which a payer sees how a payment stands.

    Whoever pays for a friend has no token of the owner, and comes back late perhaps. The signatures
    end with the link's own, however often a page makes them anew.

    Raises
    ------
    NotFound
        There is no such attempt.
    """
    base = settings().require("public_base_url")
    ends_at = wiring.cashier().show(pay_no).order.expires_at + LINK_OUTLIVES_ORDER
    sign = wiring.links().sign("pay", pay_no, ends_at)
    return WaysOn(
        cashier_url=payment_url(base, pay_no, sign),
        payresult_url=signed_url(f"{base}/orders/payresult", pay_no, sign),
        result_url=signed_url(settings().require("h5_result_url"), pay_no, sign),
    )


def form_leads_to(way: TradeType) -> tuple[str, ...]:
    """The sites that ``requestpay`` may redirect a form to, for the policy of the form's page."""
    if way is not TradeType.WX_JSAPI:
        return ()
    authorize = urlsplit(settings().wechat_authorize_url)
    return (f"{authorize.scheme}://{authorize.netloc}",)


def opened(pay_no: PayNo, payer: Payer, deadline: Deadline, tries: int = 0) -> Response:
    """Open the order of ``pay_no`` for ``payer``; ``tries`` counts what the page did by itself.

    Safe to repeat, as `Cashier.open` is. Every error is a page with a way back.
    """
    on = ways_on(pay_no)
    try:
        presentation = wiring.cashier().open(pay_no, payer, deadline)
        return page_answer(_page(pay_no, presentation, on))
    except PaymentInProgress as error:
        again = Again(
            action=requestpay_address(),
            pay_no=pay_no,
            token=token_for(pay_no),
            way=payer.trade_type,
            tries=tries,
            leads_to=form_leads_to(payer.trade_type),
        )
        seconds = error.retry_after_seconds or _RETRY_SECONDS
        page = waiting_page(error.message, seconds, again, cashier_url=on.cashier_url)
        return with_retry_after(page_answer(page, error.http_status), error)
    except AppError as error:
        return refusal(error, on.cashier_url)


def _page(pay_no: PayNo, presentation: Presentation, on: WaysOn) -> Page:
    match presentation:
        case Form():
            return alipay_form_page(presentation)
        case Bridge():
            return wechat_bridge_page(presentation, on)
        case Redirect():
            return wechat_h5_page(presentation, on)
        case CodeUrl():
            order = wiring.cashier().show(pay_no).order
            now = wiring.clock().now()
            return wechat_code_page(presentation, order.total_fen, order.expires_at, now, on)
