"""The scheduled function that takes payment results from the queue."""

from __future__ import annotations

from typing import Any

from chalice.app import Blueprint, CloudWatchEvent

from chalicelib import wiring

learning_jobs = Blueprint(__name__)


@learning_jobs.schedule("rate(1 minute)", name="update_learning")
def update_learning(event: CloudWatchEvent) -> None:
    """Open the courses that were paid for; stays for most of its minute."""
    context: Any = event.context  # Chalice types it as a dict; Lambda hands over its own object
    wiring.learning_drain().run(remaining_millis=context.get_remaining_time_in_millis)
