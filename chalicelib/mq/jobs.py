"""The Lambda functions that bring the outbox to the broker: at once by its stream, later by time.

Chalice sets the stream, the batch size and the starting position of the mapping; the deployment
sets the rest: INSERT filter, partial batch responses, maximum record age and retries.
"""

from __future__ import annotations

from typing import Any

from chalice.app import Blueprint, CloudWatchEvent, DynamoDBEvent

from chalicelib import wiring
from chalicelib.deadline import Deadline, within
from chalicelib.mq.relay import Answer
from chalicelib.settings import settings

messages = Blueprint(__name__)

_SECONDS_TO_END = 1


@messages.on_dynamodb_record(
    stream_arn=settings().outbox_stream_arn,
    batch_size=100,
    starting_position="TRIM_HORIZON",
    name="publish_outbox",
)
def publish_outbox(event: DynamoDBEvent) -> Answer:
    """Publish new outbox rows; the answer names the record to start again from."""
    return wiring.relay().publish(event.to_dict()["Records"])


@messages.schedule("rate(1 minute)", name="sweep_outbox")
def sweep_outbox(event: CloudWatchEvent) -> None:
    """Publish the outbox rows that the stream left, and those that were refused."""
    context: Any = event.context  # Chalice types it as a dict; Lambda hands over its own object
    left = context.get_remaining_time_in_millis() / 1000
    deadline = Deadline.after(left - _SECONDS_TO_END)
    with within(deadline):
        wiring.sweeper().run(deadline)


@messages.schedule("rate(5 minutes)", name="check_topology")
def check_topology(event: CloudWatchEvent) -> None:  # noqa: ARG001  Lambda hands it over
    """Count what differs between the broker and what it should have."""
    wiring.topology_watch().run()
