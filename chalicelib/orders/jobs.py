"""The scheduled functions of the order service."""

from __future__ import annotations

from typing import Any

from chalice.app import Blueprint, CloudWatchEvent

from chalicelib import wiring
from chalicelib.deadline import Deadline, within

order_jobs = Blueprint(__name__)

_SECONDS_TO_END = 1


@order_jobs.schedule("rate(1 minute)", name="watch_payments")
def watch_payments(event: CloudWatchEvent) -> None:
    """Look at what is unpaid: lost notifications, expired orders, calls that were killed."""
    deadline = _deadline(event)
    with within(deadline):
        wiring.watching().run(deadline)


@order_jobs.schedule("rate(1 minute)", name="send_refunds")
def send_refunds(event: CloudWatchEvent) -> None:
    """Pay back what is owed and due."""
    deadline = _deadline(event)
    with within(deadline):
        wiring.refund_sender().run(deadline)


@order_jobs.schedule("rate(1 minute)", name="audit_grants")
def audit_grants(event: CloudWatchEvent) -> None:
    """Put the messages of orders again whose goods have not followed."""
    deadline = _deadline(event)
    with within(deadline):
        wiring.grant_audit().run(deadline)


def _deadline(event: CloudWatchEvent) -> Deadline:
    """A moment before Lambda ends the function, so that it ends by itself."""
    context: Any = event.context  # Chalice types it as a dict; Lambda hands over its own object
    return Deadline.after(context.get_remaining_time_in_millis() / 1000 - _SECONDS_TO_END)
