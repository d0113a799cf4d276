"""The relay as a process of its own, which publishes a batch that is in the outbox already.

Arguments: the exchange, its work queues, and the number of messages. The environment says where
the broker and the tables are.
"""

from __future__ import annotations

import os
import sys

from chalicelib.clock import SystemClock
from chalicelib.dynamo import Dynamo
from chalicelib.mq.outbox import Outbox
from chalicelib.mq.rabbit import BrokerAddress, RabbitPublisher
from chalicelib.mq.relay import Relay, RelayLimits
from chalicelib.mq.topology import Subscription, Topology
from chalicelib.secrets import FetchedSecrets
from chalicelib.settings import Settings
from tests.integration.mq.conftest import messages_to
from tests.unit.mq.builders import an_insert


def main(exchange: str, queues: str, count: str) -> None:
    settings = Settings.from_env(os.environ)
    clock = SystemClock()
    topology = Topology(tuple(Subscription(exchange, queue, ()) for queue in queues.split(",")))
    publisher = RabbitPublisher(BrokerAddress(settings, FetchedSecrets(dict)), topology, clock)
    relay = Relay(Outbox(Dynamo(settings)), publisher, topology, clock, RelayLimits())
    batch = messages_to(exchange, int(count))
    relay.publish([an_insert(m, 100 + n, put_at=clock.now()) for n, m in enumerate(batch)])


if __name__ == "__main__":
    main(*sys.argv[1:])
