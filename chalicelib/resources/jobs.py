"""The scheduled functions that take payments and refunds of study materials from their queues.

The queues are this seller's own: what delays the learning centre delays nothing here.
"""

from __future__ import annotations

from chalice.app import Blueprint, CloudWatchEvent

from chalicelib import wiring
from chalicelib.deadline import remaining_millis

resources_jobs = Blueprint(__name__)


@resources_jobs.schedule("rate(1 minute)", name="update_resources")
def update_resources(event: CloudWatchEvent) -> None:
    """Open the materials that were paid for; stays for most of its minute."""
    wiring.resources_drain().run(remaining_millis=remaining_millis(event.context))


@resources_jobs.schedule("rate(1 minute)", name="update_resources_refunds")
def update_resources_refunds(event: CloudWatchEvent) -> None:
    """Take back the materials that were refunded; stays for most of its minute."""
    wiring.resources_refund_drain().run(remaining_millis=remaining_millis(event.context))
