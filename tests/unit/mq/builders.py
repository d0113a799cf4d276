"""Messages and stream records to test with."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from chalicelib.clock import to_millis
from chalicelib.money import Fen
from chalicelib.mq.message import OutboxMessage, PayResult, paid_event
from chalicelib.mq.refund_message import RefundResult, refund_event
from chalicelib.mq.topology import Subscription, Topology
from tests.fakes.clock import START

SUBSCRIPTION = Subscription("paynotify_exchange_fanout", "paynotify_queue", (10, 60))
REFUND_SUBSCRIPTION = Subscription("refundnotify_exchange_fanout", "refundnotify_queue", (10, 60))
TOPOLOGY = Topology((SUBSCRIPTION, REFUND_SUBSCRIPTION))


def a_message(number: int = 1, created_at: datetime = START) -> OutboxMessage:
    result = PayResult(
        message_id=str(1000 + number),
        out_business_id=str(2000 + number),
        order_type="60201",
        order_id=str(3000 + number),
        paid_at=created_at,
        valid_days=365,
    )
    return paid_event(result, created_at)


def a_refund_message(number: int = 1, created_at: datetime = START) -> OutboxMessage:
    result = RefundResult(
        message_id=str(4000 + number),
        out_business_id=str(2000 + number),
        order_type="60201",
        order_id=str(3000 + number),
        refund_no=str(4000 + number),
        refund_fen=Fen(990),
        refunded_at=created_at,
    )
    return refund_event(result, created_at)


def an_insert(
    message: OutboxMessage, sequence_number: int, put_at: datetime | None = None
) -> dict[str, Any]:
    """The record of a new row as Lambda hands it over."""
    return {
        "eventID": f"event-{sequence_number}",
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "ap-southeast-1",
        "dynamodb": {
            "ApproximateCreationDateTime": int((put_at or message.created_at).timestamp()),
            "Keys": {"event_key": {"S": message.event_key}},
            "NewImage": {
                "event_key": {"S": message.event_key},
                "message_id": {"S": message.message_id},
                "exchange": {"S": message.exchange},
                "body": {"S": message.body},
                "created_at_ms": {"N": str(to_millis(message.created_at))},
            },
            "SequenceNumber": str(sequence_number),
            "SizeBytes": 400,
            "StreamViewType": "NEW_IMAGE",
        },
        "eventSourceARN": "arn:aws:dynamodb:ap-southeast-1:000000000000:table/outbox/stream/1",
    }
