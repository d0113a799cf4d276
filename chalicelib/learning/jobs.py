"""The scheduled functions that take payments and refunds from their queues.

Each queue has a function of its own: a refund does not wait behind a rush of payments.
"""

from __future__ import annotations

from chalice.app import Blueprint, CloudWatchEvent

from chalicelib import wiring
from chalicelib.deadline import remaining_millis

learning_jobs = Blueprint(__name__)


@learning_jobs.schedule("rate(1 minute)", name="update_learning")
def update_learning(event: CloudWatchEvent) -> None:
    """Open the courses that were paid for; stays for most of its minute."""
    wiring.learning_drain().run(remaining_millis=remaining_millis(event.context))


@learning_jobs.schedule("rate(1 minute)", name="update_learning_refunds")
def update_learning_refunds(event: CloudWatchEvent) -> None:
    """Take back the courses that were refunded; stays for most of its minute."""
    wiring.learning_refund_drain().run(remaining_millis=remaining_millis(event.context))
