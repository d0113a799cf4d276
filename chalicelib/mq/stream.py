"""Records of the outbox table's stream, as Lambda hands them over.

https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from chalicelib.mq.message import OutboxMessage

_MILLIS = 1000
_SHORT_STRING_BYTES = 255  # AMQP 0-9-1, "shortstr"


class MalformedRecord(ValueError):
    """A record of a new row that is not one of our messages; the text says what is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRow:
    """A message that was put into the outbox."""

    sequence_number: str
    put_at: datetime
    message: OutboxMessage


class _Text(msgspec.Struct):
    S: str


class _Number(msgspec.Struct):
    N: str


class _Image(msgspec.Struct):
    event_key: _Text
    message_id: _Text
    exchange: _Text
    body: _Text
    created_at_ms: _Number


class _Change(msgspec.Struct):
    sequence_number: str = msgspec.field(name="SequenceNumber")
    new_image: _Image = msgspec.field(name="NewImage")
    # seconds, rounded down; a fraction is accepted
    created: float | None = msgspec.field(name="ApproximateCreationDateTime", default=None)


def new_row(record: Mapping[str, object]) -> NewRow | None:
    """The new outbox row that a record tells of; None for any other change.

    Raises
    ------
    MalformedRecord
        An INSERT whose image cannot be a message; no broker would take it, now or later.
    """
    change = record.get("dynamodb")
    if record.get("eventName") != "INSERT" or not isinstance(change, Mapping):
        return None
    if "NewImage" not in change:
        return None
    try:
        read = msgspec.convert(change, type=_Change)
        created_at = datetime.fromtimestamp(int(read.new_image.created_at_ms.N) / _MILLIS, UTC)
        put_at = datetime.fromtimestamp(read.created, UTC) if read.created else created_at
    except (msgspec.ValidationError, ValueError, OverflowError, OSError) as error:
        raise MalformedRecord(str(error)) from error
    image = read.new_image
    message = OutboxMessage(
        event_key=image.event_key.S,
        message_id=image.message_id.S,
        exchange=image.exchange.S,
        body=image.body.S,
        created_at=created_at,
    )
    _check_for_the_wire(message)
    return NewRow(sequence_number=read.sequence_number, put_at=put_at, message=message)


def _check_for_the_wire(message: OutboxMessage) -> None:
    for name in ("event_key", "message_id", "exchange", "body"):
        text: str = getattr(message, name)
        try:
            size = len(text.encode("utf-8"))
        except UnicodeEncodeError as error:
            raise MalformedRecord(f"{name}: {error}") from error
        if not size:
            raise MalformedRecord(f"{name} is empty")
        if name in ("message_id", "exchange") and size > _SHORT_STRING_BYTES:
            raise MalformedRecord(f"{name} has {size} bytes")
