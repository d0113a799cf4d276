"""Answers that nobody keeps, and pages that allow nothing but themselves."""

from __future__ import annotations

import secrets
from typing import Any

import msgspec
from flask import Response, render_template


def as_json(body: Any, status: int = 200, *, readable_by: str = "*") -> Response:
    """JSON that scripts of the origin ``readable_by`` may read; of none, if that is empty."""
    headers = {"Cache-Control": "no-store"}
    if readable_by:
        headers |= {"Access-Control-Allow-Origin": readable_by, "Vary": "Origin"}
    return Response(
        msgspec.json.encode(body), status, headers=headers, content_type="application/json"
    )


def page(template: str, status: int = 200, *, leads_to: str = "", **values: Any) -> Response:
    """A page with its own style, and forms that lead back here, or from here to ``leads_to``."""
    nonce = secrets.token_urlsafe(16)
    policy = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self' {leads_to}".rstrip(),
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
    headers = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": "; ".join(policy),
        "Referrer-Policy": "no-referrer",
    }
    return Response(render_template(template, nonce=nonce, **values), status, headers=headers)
