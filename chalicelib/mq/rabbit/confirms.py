"""A channel in confirm mode: a whole batch is sent before the first answer is awaited.

https://www.rabbitmq.com/docs/confirms: for an unroutable mandatory message ``basic.return`` comes
before its ``basic.ack``, so confirmed = acked - returned. An ack or nack with ``multiple`` answers
all delivery tags up to its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pika
from pika.delivery_mode import DeliveryMode
from pika.spec import Basic

from chalicelib.deadline import Deadline
from chalicelib.mq.ports import PublishResult
from chalicelib.mq.rabbit.connection import RabbitConnection
from chalicelib.mq.rabbit.faults import as_faults

_CONTENT_TYPE = "application/json"
_CONTENT_ENCODING = "utf-8"

_Way = tuple[str, str, str]
"""What a returned message tells of itself: exchange, routing key, message id.

Two messages of one batch that are alike in all three share the worse result, so that neither counts
as confirmed for the other.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A message and its way; ``key`` names it within its batch."""

    key: str
    exchange: str
    routing_key: str
    message_id: str
    body: bytes
    headers: Mapping[str, str | int] = field(default_factory=dict)


class ConfirmChannel:
    """Publishes persistent, mandatory messages on one channel."""

    def __init__(self, connection: RabbitConnection, deadline: Deadline) -> None:
        self._connection = connection
        self._channel = connection.channel(deadline)
        self._last_tag = 0
        self._pending: dict[int, Outgoing] = {}
        self._returned: set[_Way] = set()
        self._results: dict[str, PublishResult] = {}
        selected: list[object] = []
        with as_faults("selecting confirms"):
            self._channel.add_on_return_callback(self._on_return)
            self._channel.confirm_delivery(
                connection.then(self._on_confirmation), callback=connection.then(selected.append)
            )
        connection.wait_until(lambda: bool(selected), deadline, "selecting confirms")

    def publish(
        self, batch: Sequence[Outgoing], results: dict[str, PublishResult], deadline: Deadline
    ) -> bool:
        """Send a batch and note each result when it comes; the rest of ``results`` is left alone.

        Returns
        -------
        bool
            Whether all were answered. If not, the channel must not be used again: an answer that
            comes later would be taken for that of another message.

        Raises
        ------
        BrokerError
            The connection or the channel ended; what has no result yet is unknown.
        """
        self._results = results
        self._returned.clear()
        with as_faults("publishing"):
            for message in batch:
                self._send(message)
        self._connection.run(lambda: not self._pending, deadline, "waiting for confirms")
        return not self._pending

    def _send(self, message: Outgoing) -> None:
        # Noted first: pika may write to the socket, and fail, before it returns.
        self._last_tag += 1
        self._pending[self._last_tag] = message
        self._channel.basic_publish(
            message.exchange,
            message.routing_key,
            message.body,
            pika.BasicProperties(
                content_type=_CONTENT_TYPE,
                content_encoding=_CONTENT_ENCODING,
                delivery_mode=DeliveryMode.Persistent.value,
                message_id=message.message_id,
                correlation_id=message.message_id,
                headers=dict(message.headers),
            ),
            mandatory=True,
        )

    def _on_return(self, _: Any, method: Any, properties: pika.BasicProperties, __: bytes) -> None:
        self._returned.add((method.exchange, method.routing_key, properties.message_id or ""))

    def _on_confirmation(self, frame: Any) -> None:
        method = frame.method
        for tag in self._answered(method.delivery_tag, method.multiple):
            message = self._pending.pop(tag, None)
            if message is not None:
                self._results[message.key] = self._result(message, method)

    def _answered(self, tag: int, multiple: bool) -> list[int]:
        return [t for t in self._pending if t <= tag] if multiple else [tag]

    def _result(self, message: Outgoing, method: Any) -> PublishResult:
        if isinstance(method, Basic.Nack):
            return PublishResult.NACKED
        if (message.exchange, message.routing_key, message.message_id) in self._returned:
            return PublishResult.RETURNED
        return PublishResult.CONFIRMED
