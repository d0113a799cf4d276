"""A consumer that fails every message and hangs once the copy of the first is confirmed.

It waits to be killed before it acknowledges. Arguments: the broker's URL, the exchange, the work
queue, the retry delays, a file that is there once it hangs.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from chalicelib.deadline import Deadline
from chalicelib.mq.delivery import Delivery, Outcome, Retry
from chalicelib.mq.drain import Drain, DrainLimits
from chalicelib.mq.rabbit import BrokerAddress, RabbitInbox
from chalicelib.mq.topology import Subscription
from chalicelib.secrets import FetchedSecrets
from chalicelib.settings import Settings


def main(amqp_url: str, exchange: str, queue: str, delays: str, hangs: str) -> None:
    address = BrokerAddress(Settings.from_env({"RABBITMQ_URL": amqp_url}), FetchedSecrets(dict))

    class Stuck(RabbitInbox):
        def forward(
            self,
            delivery: Delivery,
            queue: str,
            headers: Mapping[str, str | int],
            deadline: Deadline,
        ) -> None:
            super().forward(delivery, queue, headers, deadline)
            Path(hangs).touch()
            threading.Event().wait()

    def connect(subscription: Subscription, prefetch: int, deadline: Deadline) -> Stuck:
        return Stuck(address, subscription, prefetch, deadline)

    def fail(_: Delivery) -> Outcome:
        return Retry("a mistake")

    subscription = Subscription(exchange, queue, tuple(int(s) for s in delays.split(",") if s))
    limits = DrainLimits(window_seconds=600, prefetch=10)
    lifetime = Deadline.after(600)
    drain = Drain(connect, subscription, fail, limits)
    drain.run(lambda: int(lifetime.remaining_seconds() * 1000))


if __name__ == "__main__":
    main(*sys.argv[1:])
