"""How a payer's page is made, with the headers that belong to it; and the pages with one message.

Every page is complete in itself: it loads nothing from anywhere. Its content security policy names
one nonce for its own style and script and forbids everything that the page does not need. jinja2 is
loaded at the first page, not at import.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from chalicelib.orders.model import PayNo, TradeType
from chalicelib.orders.pages.ways import channel_of

if TYPE_CHECKING:
    from jinja2 import Environment

_TEMPLATES = Path(__file__).with_name("templates")

MOST_TRIES = 5
"""So often a waiting page asks again by itself; then it waits for its payer."""

ReferrerPolicy = Literal["same-origin", "strict-origin", "no-referrer"]
"""``same-origin`` keeps a signed address from strangers, yet our own POST has an Origin;
``strict-origin`` tells a platform which site the payer comes from, and no more."""


@dataclass(frozen=True, slots=True)
class Page:
    """HTML, and every header of the answer that carries it."""

    html: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """What the form posts that opens ``pay_no`` once more, the same way.

    ``leads_to`` are the sites that ``action`` may redirect to.
    """

    action: str
    pay_no: PayNo
    token: str
    way: TradeType
    tries: int = 0
    leads_to: tuple[str, ...] = ()


def message_page(title: str, text: str, *, cashier_url: str = "") -> Page:
    """One message for the person in front of the browser, and a way back if there is one."""
    return render_page("message.html", title=title, text=text, cashier_url=cashier_url)


def waiting_page(text: str, seconds: int, again: Again, *, cashier_url: str) -> Page:
    """The page while a platform is being asked: posts ``again`` in ``seconds``, or by a button.

    After `MOST_TRIES` it posts by the button alone.
    """
    return render_page(
        "waiting.html",
        form_action=form_action(again.action, *again.leads_to),
        text=text,
        seconds=seconds if again.tries < MOST_TRIES else 0,
        again=again,
        channel=channel_of(again.way).value,
        asked=asked_for(again.way),
        cashier_url=cashier_url,
    )


def asked_for(way: TradeType) -> str:
    """What the ``tradeType`` of a form says; empty where the browser decides."""
    return way.value if way is TradeType.WX_NATIVE else ""


def form_action(*addresses: str) -> str:
    """The policy of a form that may lead to ``addresses`` only, not even after a redirect."""
    return " ".join(("'self'", *addresses))


def render_page(
    template: str,
    *,
    form_action: str | None = "'none'",
    polls: bool = False,
    referrer_policy: ReferrerPolicy = "same-origin",
    **values: object,
) -> Page:
    """One page. ``form_action`` None lets its forms lead anywhere; ``polls`` lets it ask us."""
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
    if polls:
        policy.append("connect-src 'self'")
    return Page(
        html=_environment().get_template(template).render(nonce=nonce, **values),
        headers={
            "Content-Type": "text/html; charset=utf-8",
            "Cache-Control": "no-store",
            "Content-Security-Policy": "; ".join(policy),
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
