"""Control routes that send notifications: again, or whatever a test wants to be said."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
from flask import Blueprint, Response, request

from infra.local.wechat.control_views import seen_delivery, to_json
from infra.local.wechat.envelope import body_of, signed_headers
from infra.local.wechat.platform import Platform


class Post(msgspec.Struct, forbid_unknown_fields=True):
    """A notification that says ``resource``, properly encrypted and signed ``age_seconds`` ago.

    ``headers`` are put over the true ones (null takes one away).
    """

    url: str
    event_type: str
    resource: dict[str, Any]
    age_seconds: float = 0.0
    headers: dict[str, str | None] = {}


def add_messages(routes: Blueprint, platform: Platform) -> None:
    """Sending again, and sending anything."""

    @routes.post("/trades/<out_trade_no>/notify")
    def notify_again(out_trade_no: str) -> Response:
        sent = platform.notifier.notifications(out_trade_no)
        if not sent:
            return to_json({"error": f"nothing was notified of {out_trade_no}"}, 404)
        return to_json(seen_delivery(platform.notifier.send_again(sent[-1])))

    @routes.post("/notify")
    def notify() -> Response:
        post = msgspec.json.decode(request.get_data(), type=Post)
        body = body_of(platform.notifier.letter(post.event_type, post.resource), platform.keys)
        signed_at = platform.clock.now() - timedelta(seconds=post.age_seconds)
        headers = {**signed_headers(body, platform.keys, signed_at), **post.headers}
        left = {name: value for name, value in headers.items() if value is not None}
        return to_json(seen_delivery(platform.notifier.post(post.url, left, body)))
