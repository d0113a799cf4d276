"""An outbox row as DynamoDB writes items down, and what it says.

The table's stream, its index and the answers of its updates have the same form. An attribute may
be missing or of another type: rows of earlier versions, and whatever else got into the table.
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from chalicelib.mq.message import OutboxMessage
from chalicelib.mq.waiting import DueRow, StoredRow

Item = Mapping[str, Any]

DEAD = "dead"
"""Where the index has the rows that nobody sends any more."""

_MILLIS = 1000
_SHORT_STRING_BYTES = 255  # AMQP 0-9-1, "shortstr"


class MalformedRow(ValueError):
    """A row that cannot be a message, now or later; the text says what is wrong."""


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


def message_in(image: Item) -> OutboxMessage:
    """The message of a row; what else the row has is ignored.

    Raises
    ------
    MalformedRow
        An attribute is missing, empty, of another type, or more than AMQP can carry.
    """
    try:
        read = msgspec.convert(image, type=_Image)
        created_at = _moment_of(int(read.created_at_ms.N))
    except (msgspec.ValidationError, ValueError, OverflowError, OSError) as error:
        raise MalformedRow(str(error)) from error
    message = OutboxMessage(
        event_key=read.event_key.S,
        message_id=read.message_id.S,
        exchange=read.exchange.S,
        body=read.body.S,
        created_at=created_at,
    )
    _check_for_the_wire(message)
    return message


def due_row(item: Item) -> DueRow:
    """A row as the index has it, whose schema holds the types of its two keys.

    Its time is a number then, but perhaps no whole one; it is rounded down.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
    """
    return DueRow(
        event_key=item["event_key"]["S"],
        next_attempt_at_ms=math.floor(Decimal(item["next_attempt_at_ms"]["N"])),
        exchange=text_in(item, "exchange"),
    )


def stored_row(item: Item) -> StoredRow:
    """A row as operators see it."""
    return StoredRow(
        event_key=item["event_key"]["S"],
        message_id=text_in(item, "message_id"),
        exchange=text_in(item, "exchange"),
        created_at=moment_in(item, "created_at_ms"),
        next_attempt_at=moment_in(item, "next_attempt_at_ms"),
        is_dead=text_in(item, "sweep_shard") == DEAD,
        refusals=number_in(item, "refusals") or 0,
        last_answer=text_in(item, "last_answer"),
    )


def text_in(item: Item, name: str) -> str | None:
    """A text; None if there is none."""
    text: str | None = item.get(name, {}).get("S")
    return text


def number_in(item: Item, name: str) -> int | None:
    """A whole number from zero on; None if there is none."""
    text: str = item.get(name, {}).get("N", "")
    return int(text) if text.isascii() and text.isdigit() else None


def moment_in(item: Item, name: str) -> datetime | None:
    """A moment that is kept in milliseconds since 1970; None if there is none in the calendar."""
    millis = number_in(item, name)
    try:
        return None if millis is None else _moment_of(millis)
    except (ValueError, OverflowError, OSError):
        return None


def _moment_of(millis: int) -> datetime:
    return datetime.fromtimestamp(millis / _MILLIS, UTC)


def _check_for_the_wire(message: OutboxMessage) -> None:
    for name in ("event_key", "message_id", "exchange", "body"):
        text: str = getattr(message, name)
        try:
            size = len(text.encode("utf-8"))
        except UnicodeEncodeError as error:
            raise MalformedRow(f"{name}: {error}") from error
        if not size:
            raise MalformedRow(f"{name} is empty")
        if name in ("message_id", "exchange") and size > _SHORT_STRING_BYTES:
            raise MalformedRow(f"{name} has {size} bytes")
