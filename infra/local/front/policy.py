"""The headers of the H5's pages, and how a content security policy is widened for what is added.

https://www.w3.org/TR/CSP3/
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

_NONE = "'none'"


def page_headers(issuer: str) -> dict[str, str]:
    """What every file of the H5 is answered with.

    Pages load their own scripts and styles, and ask this origin and the ``issuer`` of tokens. No
    form leads anywhere, and no site may frame them. ``same-origin`` keeps the addresses of pages,
    with the numbers in them, from everybody else.
    """
    connect = " ".join(filter(None, ("'self'", origin_of(issuer))))
    policy = (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        f"connect-src {connect}",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
    return {
        "Content-Security-Policy": "; ".join(policy),
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }


def origin_of(address: str) -> str:
    """Scheme, host and port of an address; empty when it has none."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme and parts.netloc else ""


def widened(policy: str, added: Mapping[str, tuple[str, ...]]) -> str:
    """``policy`` with more sources in some directives, and all else as it was.

    A directive that is missing starts from ``default-src``, which ruled until then; without any
    of the two everything is allowed already, and stays so.
    """
    directives: dict[str, list[str]] = {}
    for text in policy.split(";"):
        name, *sources = text.split() or [""]
        if name:
            directives.setdefault(name.lower(), sources)
    for name, more in added.items():
        before = directives.get(name, directives.get("default-src"))
        if before is not None:
            kept = [source for source in before if source != _NONE]
            directives[name] = [*kept, *(source for source in more if source not in kept)]
    return "; ".join(" ".join((name, *sources)) for name, sources in directives.items())
