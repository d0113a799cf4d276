"""Records of the outbox table's stream, as Lambda hands them over.

https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from chalicelib.mq.message import OutboxMessage
from chalicelib.mq.row_image import MalformedRow, message_in


class MalformedRecord(ValueError):
    """A record of a new row that is not one of our messages; the text says what is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRow:
    """A message that was put into the outbox."""

    sequence_number: str
    put_at: datetime
    message: OutboxMessage


class _Change(msgspec.Struct):
    sequence_number: str = msgspec.field(name="SequenceNumber")
    new_image: dict[str, Any] = msgspec.field(name="NewImage")
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
        message = message_in(read.new_image)
        put_at = datetime.fromtimestamp(read.created, UTC) if read.created else message.created_at
    except (MalformedRow, msgspec.ValidationError, ValueError, OverflowError, OSError) as error:
        raise MalformedRecord(str(error)) from error
    return NewRow(sequence_number=read.sequence_number, put_at=put_at, message=message)
