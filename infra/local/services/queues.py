"""``python -m infra.local.services.queues``: wait until every subscriber has its queues.

The drains declare and bind queues of their own when they first run, and the relay publishes nothing
before they are there. A stack that says it is up before that would hold back its first messages.
"""

from __future__ import annotations

import time

import pika
from pika.exceptions import ChannelClosedByBroker

from chalicelib.mq.topology import platform_topology
from chalicelib.settings import Settings, settings

_POLL_SECONDS = 0.3


def missing(connection: pika.BlockingConnection, names: tuple[str, ...]) -> str | None:
    """The first of the queues that is not there; None when all are."""
    channel = connection.channel()
    for name in names:
        try:
            channel.queue_declare(name, passive=True)
        except ChannelClosedByBroker:
            return name
    channel.close()
    return None


def main(at: Settings) -> None:
    """Return when all queues are there; whoever started this does not wait for ever."""
    subscriptions = platform_topology(at.retry_delays_seconds).subscriptions
    names = tuple(queue.name for each in subscriptions for queue in each.queues())
    connection = pika.BlockingConnection(pika.URLParameters(at.require("rabbitmq_url")))
    absent = ""
    while (name := missing(connection, names)) is not None:
        if name != absent:
            print(f"waiting for {name}", flush=True)
            absent = name
        connection.sleep(_POLL_SECONDS)
    connection.close()


if __name__ == "__main__":
    started = time.monotonic()
    main(settings())
    print(f"all queues are there after {time.monotonic() - started:.1f} s")
