"""The scheduled functions that take payments and refunds from their queues.

Each queue has a function of its own: a refund does not wait behind a rush of payments.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chalice.app import Blueprint, CloudWatchEvent

from chalicelib import wiring

learning_jobs = Blueprint(__name__)


@learning_jobs.schedule("rate(1 minute)", name="update_learning")
def update_learning(event: CloudWatchEvent) -> None:
    """Open the courses that were paid for; stays for most of its minute."""
    wiring.learning_drain().run(remaining_millis=_remaining_millis(event))


@learning_jobs.schedule("rate(1 minute)", name="update_learning_refunds")
def update_learning_refunds(event: CloudWatchEvent) -> None:
    """Take back the courses that were refunded; stays for most of its minute."""
    wiring.learning_refund_drain().run(remaining_millis=_remaining_millis(event))


def _remaining_millis(event: CloudWatchEvent) -> Callable[[], int]:
    context: Any = event.context  # Chalice types it as a dict; Lambda hands over its own object
    remaining: Callable[[], int] = context.get_remaining_time_in_millis
    return remaining
