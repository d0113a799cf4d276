"""What tests may do behind S3's back. JSON in, JSON out.

======  ====================  ==================================================================
GET     ``/_control/clock``   ``{"now", "ahead_seconds"}``
POST    ``/_control/clock``   ``{"ahead_seconds"}``: go that much before the machine's clock
DELETE  ``/_control/clock``   go with it again
======  ====================  ==================================================================

A malformed order is 400. No bucket can have a name that begins with ``_``.
"""

from __future__ import annotations

from datetime import timedelta

import msgspec
from flask import Blueprint, Response, request

from infra.local.s3.clock import MovableClock


class Ahead(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far the clock shall be ahead of the machine's."""

    ahead_seconds: float


def control(clock: MovableClock) -> Blueprint:
    """The routes under ``/_control``."""
    routes = Blueprint("control", __name__, url_prefix="/_control")

    @routes.get("/clock")
    def shown() -> Response:
        return _shown(clock)

    @routes.post("/clock")
    def moved() -> Response:
        order = msgspec.json.decode(request.get_data(), type=Ahead)
        clock.ahead = timedelta(seconds=order.ahead_seconds)
        return _shown(clock)

    @routes.delete("/clock")
    def reset() -> Response:
        clock.ahead = timedelta()
        return _shown(clock)

    @routes.errorhandler(msgspec.MsgspecError)
    def malformed(error: msgspec.MsgspecError) -> Response:
        return _json({"error": str(error)}, 400)

    return routes


def _shown(clock: MovableClock) -> Response:
    return _json({"now": clock.now(), "ahead_seconds": clock.ahead.total_seconds()})


def _json(content: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, content_type="application/json")
