"""A consumer that stores an effect and then hangs before it acknowledges; it waits to be killed.

Arguments: the broker's URL, the exchange, the work queue, the folder of the effects.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from chalicelib.deadline import Deadline
from chalicelib.mq.delivery import Ack, Delivery, Outcome
from chalicelib.mq.drain import Drain, DrainLimits
from chalicelib.mq.rabbit import BrokerAddress, connector
from chalicelib.mq.topology import Subscription
from chalicelib.secrets import FetchedSecrets
from chalicelib.settings import Settings


def main(amqp_url: str, exchange: str, queue: str, folder: str) -> None:
    address = BrokerAddress(Settings.from_env({"RABBITMQ_URL": amqp_url}), FetchedSecrets(dict))

    def store_and_hang(delivery: Delivery) -> Outcome:
        (Path(folder) / delivery.message_id).write_bytes(delivery.body)
        threading.Event().wait()
        return Ack()

    limits = DrainLimits(window_seconds=600, prefetch=10)
    drain = Drain(connector(address), Subscription(exchange, queue, (1, 2)), store_and_hang, limits)
    lifetime = Deadline.after(600)
    drain.run(lambda: int(lifetime.remaining_seconds() * 1000))


if __name__ == "__main__":
    main(*sys.argv[1:])
