"""The Lambda function of the outbox's stream.

Chalice sets the stream, the batch size and the starting position of the mapping; the deployment
sets the rest: INSERT filter, partial batch responses, maximum record age and retries.
"""

from __future__ import annotations

from chalice.app import Blueprint, DynamoDBEvent

from chalicelib import wiring
from chalicelib.mq.relay import Answer
from chalicelib.settings import settings

messages = Blueprint(__name__)


@messages.on_dynamodb_record(
    stream_arn=settings().outbox_stream_arn,
    batch_size=100,
    starting_position="TRIM_HORIZON",
    name="publish_outbox",
)
def publish_outbox(event: DynamoDBEvent) -> Answer:
    """Publish new outbox rows; the answer names the record to start again from."""
    return wiring.relay().publish(event.to_dict()["Records"])
