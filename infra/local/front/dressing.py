"""What the switch adds to a page: the bar, the name of the other browser, and WeChat's object.

Added at the head, before any script of the page runs. The content security policy gets a nonce for
what is added, and inside WeChat the address that the simulator's object asks; nothing else.
"""

from __future__ import annotations

import html
import re
import secrets
from dataclasses import replace
from pathlib import Path

import msgspec

from infra.local.aws.api_gateway import HttpAnswer
from infra.local.front.kinds import ITSELF, Kind
from infra.local.front.policy import origin_of, widened
from infra.local.front.switch import choices

_BAR = Path(__file__).with_name("bar.js")
_TITLE = "当作："
_HEAD = re.compile(rb"<head(\s[^>]*)?>", re.IGNORECASE)
_OF_ONE_MOMENT = frozenset({"etag", "last-modified", "cache-control", "content-length"})


def dressed(answer: HttpAnswer, kind: Kind | None, *, bridge: str) -> HttpAnswer:
    """A page with what belongs to it; what is no page stays as it is.

    ``bridge`` is the address of the script that gives WeChat's object, for pages that need it.
    """
    head = _HEAD.search(answer.body)
    if not _is_page(answer) or head is None:
        return answer
    nonce = secrets.token_urlsafe(16)
    with_bridge = bridge if kind is Kind.WECHAT else ""
    added = _scripts(kind, nonce, with_bridge).encode("utf-8")
    body = answer.body[: head.end()] + added + answer.body[head.end() :]
    sources = {"script-src": (f"'nonce-{nonce}'",)}
    if with_bridge:
        sources["connect-src"] = (origin_of(with_bridge),)
    headers = [
        (name, widened(value, sources) if name.lower() == "content-security-policy" else value)
        for name, value in answer.headers
        if name.lower() not in _OF_ONE_MOMENT
    ]
    return replace(answer, headers=(*headers, ("Cache-Control", "no-store")), body=body)


def _is_page(answer: HttpAnswer) -> bool:
    return any(
        name.lower() == "content-type" and value.lower().startswith("text/html")
        for name, value in answer.headers
    )


def _scripts(kind: Kind | None, nonce: str, bridge: str) -> str:
    offer = {
        "userAgent": kind.user_agent if kind is not None else "",
        "current": kind.value if kind is not None else ITSELF,
        "choices": choices("/h5/"),
        "title": _TITLE,
    }
    # what ends a script early is written so that it does not
    values = msgspec.json.encode(offer).decode("utf-8").replace("<", "\\u003c")
    bar = _BAR.read_text("utf-8")
    scripts = f'<script nonce="{nonce}">{bar}localBrowser({values});</script>'
    if bridge:
        scripts += f'<script nonce="{nonce}" src="{html.escape(bridge)}"></script>'
    return scripts
