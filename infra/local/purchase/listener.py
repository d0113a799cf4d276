"""One more subscriber of the payment exchange, with a queue that vanishes with it."""

from __future__ import annotations

import json
import time
from types import TracebackType
from typing import Any

import pika

from chalicelib.mq.message import PAYNOTIFY_EXCHANGE


class Listener:
    """Hears every payment result from the moment it is made.

    Example
    -------
    >>> with Listener(amqp_url) as listener:
    ...     message = listener.hear("a choose-course id", seconds=30)
    """

    def __init__(self, amqp_url: str) -> None:
        self._connection = pika.BlockingConnection(pika.URLParameters(amqp_url))
        self._channel = self._connection.channel()
        self._channel.exchange_declare(PAYNOTIFY_EXCHANGE, exchange_type="fanout", durable=True)
        queue = self._channel.queue_declare("", exclusive=True).method.queue
        self._queue = str(queue)
        self._channel.queue_bind(self._queue, PAYNOTIFY_EXCHANGE)

    def __enter__(self) -> Listener:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()

    def hear(self, business_key: str, seconds: float) -> dict[str, Any] | None:
        """The first message about ``business_key``, or None when none comes in time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            frame, _, body = self._channel.basic_get(self._queue, auto_ack=True)
            if frame is None or body is None:
                self._connection.sleep(0.1)
                continue
            message: dict[str, Any] = json.loads(body)
            if message.get("businessKey1") == business_key:
                return message
        return None
