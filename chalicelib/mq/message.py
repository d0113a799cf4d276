"""The payment message, what all messages share, and the outbox row that carries one on its way.

Existing subscribers bind to these names and bodies, so they are a contract.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import msgspec

from chalicelib.clock import from_rfc3339, is_plausible, to_rfc3339

PAYNOTIFY_EXCHANGE = "paynotify_exchange_fanout"
PAYNOTIFY_QUEUE = "paynotify_queue"
PAYNOTIFY_RESOURCES_QUEUE = "paynotify_resources_queue"
PAYRESULT_NOTIFY = "payresult_notify"
MESSAGE_VERSION = 1


class MalformedMessage(ValueError):
    """The body is not a message of this contract; the text says what is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PayResult:
    """An order was paid: what a subscriber needs in order to grant the goods.

    ``message_id`` is the paying pay_no; the same payment always has the same one.
    ``valid_days`` is None for goods that are bought for ever.
    """

    message_id: str
    out_business_id: str
    order_type: str
    order_id: str
    paid_at: datetime
    valid_days: int | None


class MessageBody(msgspec.Struct, rename="camel"):
    """The keys that every message of the platform has ever had."""

    id: str
    message_type: str
    business_key1: str
    business_key2: str


_Body = TypeVar("_Body", bound=MessageBody)


class _PayResultBody(MessageBody, rename="camel"):
    version: int = MESSAGE_VERSION
    order_id: str | None = None
    paid_at: str | None = None
    valid_days: int | msgspec.UnsetType | None = msgspec.UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxMessage:
    """A message that is stored with the change it tells of, until the broker has it.

    ``event_key`` names the event, so that one event is stored once; ``message_id`` goes out as
    AMQP message id and correlation id.
    """

    event_key: str
    message_id: str
    exchange: str
    body: str
    created_at: datetime


def paid_event(result: PayResult, created_at: datetime) -> OutboxMessage:
    """The outbox row of a settled payment; one per order."""
    body = _PayResultBody(
        id=result.message_id,
        message_type=PAYRESULT_NOTIFY,
        business_key1=result.out_business_id,
        business_key2=result.order_type,
        order_id=result.order_id,
        paid_at=to_rfc3339(result.paid_at),
        valid_days=result.valid_days,
    )
    return OutboxMessage(
        event_key=f"{result.order_id}#paid",
        message_id=result.message_id,
        exchange=PAYNOTIFY_EXCHANGE,
        body=msgspec.json.encode(body).decode("utf-8"),
        created_at=created_at,
    )


def order_type_of(body: bytes) -> str:
    """Whose message it is, by the keys that every publisher of this type has ever sent.

    Raises
    ------
    MalformedMessage
        It is not JSON, lacks a key, has a wrong type, or is another message type.
    """
    return decoded(body, _PayResultBody, PAYRESULT_NOTIFY).business_key2


def parse_pay_result(body: bytes) -> PayResult:
    """Read the body of a ``payresult_notify``; unknown keys are ignored.

    Raises
    ------
    MalformedMessage
        As `order_type_of`, or a key that a grant needs is missing or unreadable.
    """
    message = decoded(body, _PayResultBody, PAYRESULT_NOTIFY)
    days = message.valid_days
    if message.order_id is None or message.paid_at is None or days is msgspec.UNSET:
        raise MalformedMessage("orderId, paidAt or validDays is missing")
    return PayResult(
        message_id=message.id,
        out_business_id=message.business_key1,
        order_type=message.business_key2,
        order_id=message.order_id,
        paid_at=moment_of("paidAt", message.paid_at),
        valid_days=days,
    )


def decoded(body: bytes, form: type[_Body], message_type: str) -> _Body:
    """The body as ``form``; unknown keys are ignored.

    Raises
    ------
    MalformedMessage
        It is not JSON, lacks a key, has a wrong type, or is another message type.
    """
    try:
        message = msgspec.json.decode(body, type=form)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedMessage(str(error)) from error
    if message.message_type != message_type:
        raise MalformedMessage(f"message type {message.message_type!r}")
    return message


def moment_of(key: str, text: str) -> datetime:
    """The UTC moment that a key carries.

    Raises
    ------
    MalformedMessage
        It is not RFC 3339 with an offset, or no business moment can be that one.
    """
    try:
        moment = from_rfc3339(text)
    except ValueError as error:
        raise MalformedMessage(f"{key}: {error}") from error
    if not is_plausible(moment):
        raise MalformedMessage(f"{key}: {text}")
    return moment
