"""The HTML pages that a payer sees on our side, each with the headers that belong to it.

Every page is complete in itself: no request to anywhere but for its form. The content security
policy names one nonce for its own style and script and forbids everything else. jinja2 is loaded
at the first page, not at import.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib.clock import to_beijing_text
from chalicelib.money import Fen, fen_to_yuan_text
from chalicelib.orders.browser import Browser
from chalicelib.orders.model import PayChannel, PayNo
from chalicelib.orders.ports import Form
from chalicelib.orders.qr import qr_data_uri

if TYPE_CHECKING:
    from jinja2 import Environment

_TEMPLATES = Path(__file__).with_name("templates")


@dataclass(frozen=True, slots=True)
class Page:
    """HTML, and every header of the answer that carries it."""

    html: str
    headers: Mapping[str, str]


class CashierState(StrEnum):
    """What a payer can still do about an order."""

    PAYABLE = "payable"
    PROCESSING = "processing"
    PAID = "paid"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CashierView:
    """What the cashier page shows. ``link`` and ``token`` are the signed ones of ``pay_no``."""

    state: CashierState
    browser: Browser
    title: str
    amount_fen: Fen
    expires_at: datetime
    now: datetime
    base_url: str
    pay_no: PayNo
    token: str
    link: str


def cashier_page(view: CashierView) -> Page:
    """The page that a payment link opens: goods, amount, time left, and the ways to pay.

    Its form posts ``payNo``, ``token`` and ``channel`` to ``{base_url}/orders/requestpay``. Inside
    WeChat, where Alipay is blocked, it says how to leave; on a desktop it shows the link as a QR
    code first. The time left counts from the server's clock, never from the phone's.
    """
    payable = view.state is CashierState.PAYABLE
    return _page(
        "cashier.html",
        # a form may lead nowhere else, not even after a redirect
        form_action=f"'self' {view.base_url}/orders/requestpay",
        referrer_policy="same-origin",
        state=view.state.value,
        in_wechat=view.browser is Browser.WECHAT,
        title=view.title,
        amount=fen_to_yuan_text(view.amount_fen),
        expires_at=to_beijing_text(view.expires_at),
        seconds_left=max(0, math.ceil((view.expires_at - view.now).total_seconds())),
        action=f"{view.base_url}/orders/requestpay",
        pay_no=view.pay_no,
        token=view.token,
        alipay=PayChannel.ALIPAY.value,
        qrcode=qr_data_uri(view.link) if payable and view.browser is Browser.DESKTOP else "",
    )


def alipay_form_page(form: Form) -> Page:
    """The page that submits ``form`` by itself, and by a button where scripts are off.

    Its policy does not restrict where the form leads: browsers apply ``form-action`` to redirects
    too (https://www.w3.org/TR/CSP3/#directive-form-action), and Alipay's gateway redirects to
    hosts of its own choice.
    """
    return _page(
        "alipay_form.html",
        form_action=None,
        referrer_policy="strict-origin",
        action=form.action,
        fields=form.fields,
    )


def message_page(title: str, text: str) -> Page:
    """One message for the person in front of the browser."""
    return _page(
        "message.html", form_action="'none'", referrer_policy="same-origin", title=title, text=text
    )


def _page(
    template: str, *, form_action: str | None, referrer_policy: str, **values: object
) -> Page:
    nonce = secrets.token_urlsafe(16)
    policy = [
        "default-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "img-src data:",
        f"style-src 'nonce-{nonce}'",
        f"script-src 'nonce-{nonce}'",
    ]
    if form_action is not None:
        policy.append(f"form-action {form_action}")
    return Page(
        html=_environment().get_template(template).render(nonce=nonce, **values),
        headers={
            "Content-Type": "text/html; charset=utf-8",
            "Cache-Control": "no-store",
            "Content-Security-Policy": "; ".join(policy),
            # "same-origin" keeps the signed address from strangers, yet our own POST has an Origin
            "Referrer-Policy": referrer_policy,
            "X-Content-Type-Options": "nosniff",
        },
    )


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
