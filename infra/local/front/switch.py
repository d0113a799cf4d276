"""``/_local/browser?as=wechat&to=/h5/``: take this browser for another kind, and go on.

The choice is a cookie of this origin. Without ``as`` the address is a page with the choices.
"""

from __future__ import annotations

import html
from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlencode

from infra.local.aws.api_gateway import HttpAnswer
from infra.local.front.kinds import ITSELF, ITSELF_LABEL, Kind

PATH = "/_local/browser"
COOKIE = "_browser"
_HOME = "/h5/"
_NEVER_KEPT = ("Cache-Control", "no-store")


def kind_of(headers: Iterable[tuple[str, str]]) -> Kind | None:
    """What the browser that sends these headers chose to be taken for; None: itself."""
    for name, value in headers:
        if name.lower() != "cookie":
            continue
        try:
            cookie = SimpleCookie(value).get(COOKIE)
            return Kind(cookie.value) if cookie is not None else None
        except (CookieError, ValueError):
            return None
    return None


def choices(to: str) -> list[tuple[str, str, str]]:
    """Each choice, what it is called, and the address that makes it and leads on to ``to``."""
    offered = [(kind.value, kind.label) for kind in Kind] + [(ITSELF, ITSELF_LABEL)]
    return [
        (value, label, f"{PATH}?{urlencode({'as': value, 'to': to})}") for value, label in offered
    ]


def switched(query: str) -> HttpAnswer:
    """The answer to a choice: the cookie, and the way on; or the page with the choices."""
    asked = parse_qs(query)
    chosen = asked.get("as", [""])[0]
    to = _way_on(asked.get("to", [_HOME])[0])
    if chosen == ITSELF:
        return _redirect(to, f"{COOKIE}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0")
    try:
        kind = Kind(chosen)
    except ValueError:
        return _page(to)
    return _redirect(to, f"{COOKIE}={kind.value}; Path=/; HttpOnly; SameSite=Lax")


def _way_on(to: str) -> str:
    """``to`` if it is a path of this origin: what begins with two slashes names another host."""
    is_path = to.startswith("/") and not to.startswith(("//", "/\\"))
    return to if is_path and to.isascii() and to.isprintable() else _HOME


def _redirect(to: str, cookie: str) -> HttpAnswer:
    return HttpAnswer(303, (("Location", to), ("Set-Cookie", cookie), _NEVER_KEPT))


def _page(to: str) -> HttpAnswer:
    links = "".join(
        f'<li><a href="{html.escape(address)}">{html.escape(label)}</a></li>'
        for _, label, address in choices(to)
    )
    text = (
        '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<title>当作哪种浏览器</title></head><body><h1>当作哪种浏览器？</h1>"
        f"<p>仅用于本机开发。</p><ul>{links}</ul></body></html>"
    )
    headers = (
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Security-Policy", "default-src 'none'; base-uri 'none'; frame-ancestors 'none'"),
        _NEVER_KEPT,
    )
    return HttpAnswer(200, headers, text.encode())
