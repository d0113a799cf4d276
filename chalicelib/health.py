"""Whether the function answers at all; opens no connection."""

from __future__ import annotations

from chalicelib.http import Api

health = Api(__name__)


@health.route("/health", methods=["GET"])
def alive() -> dict[str, str]:
    """Shallow: a slow database or broker shall not take the API out of service."""
    return {"status": "ok"}
