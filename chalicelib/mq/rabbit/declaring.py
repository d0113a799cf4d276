"""Makes what ``chalicelib.mq.topology`` describes, or checks that it is there.

A check is a passive declaration, which also proves that the broker answers. AMQP cannot list
bindings: a missing one shows only in messages that no queue receives.
"""

from __future__ import annotations

from collections.abc import Callable

from pika.exchange_type import ExchangeType

from chalicelib.deadline import Deadline
from chalicelib.mq.rabbit.connection import RabbitConnection
from chalicelib.mq.rabbit.faults import as_faults
from chalicelib.mq.topology import Subscription, Topology


class Declarations:
    """A channel for declarations. Unusable after an error, and so is its connection."""

    def __init__(self, connection: RabbitConnection, deadline: Deadline) -> None:
        self._connection = connection
        self._channel = connection.channel(deadline)

    def declare(self, subscription: Subscription, deadline: Deadline) -> None:
        """Make a subscriber's exchange, queues and binding; what is there stays. Idempotent.

        Raises
        ------
        TopologyFault
            The exchange or a queue is there with other properties; the text names it.
        BrokerError
            The connection is lost, or there was no answer in time.
        """
        exchange, work_queue = subscription.exchange, subscription.work_queue
        self._ask(
            f"declaring exchange {exchange}",
            lambda done: self._channel.exchange_declare(
                exchange, ExchangeType.fanout.value, durable=True, callback=done
            ),
            deadline,
        )
        for queue in subscription.queues():
            self._declare_queue(queue.name, dict(queue.arguments), deadline)
        self._ask(
            f"binding {work_queue} to {exchange}",
            lambda done: self._channel.queue_bind(work_queue, exchange, callback=done),
            deadline,
        )

    def check(self, topology: Topology, deadline: Deadline) -> None:
        """Make sure that all exchanges and work queues are there.

        Raises
        ------
        TopologyFault
            One is missing; the text names it.
        BrokerError
            The connection is lost, or there was no answer in time.
        """
        for exchange in topology.exchanges():
            self._check_exchange(exchange, deadline)
        for queue in topology.work_queues():
            self._check_queue(queue, deadline)

    def _declare_queue(
        self, name: str, arguments: dict[str, str | int], deadline: Deadline
    ) -> None:
        self._ask(
            f"declaring queue {name}",
            lambda done: self._channel.queue_declare(
                name, durable=True, arguments=arguments, callback=done
            ),
            deadline,
        )

    def _check_exchange(self, name: str, deadline: Deadline) -> None:
        self._ask(
            f"looking for exchange {name}",
            lambda done: self._channel.exchange_declare(name, passive=True, callback=done),
            deadline,
        )

    def _check_queue(self, name: str, deadline: Deadline) -> None:
        self._ask(
            f"looking for queue {name}",
            lambda done: self._channel.queue_declare(name, passive=True, callback=done),
            deadline,
        )

    def _ask(
        self, doing: str, send: Callable[[Callable[..., None]], object], deadline: Deadline
    ) -> None:
        answers: list[object] = []
        with as_faults(doing):
            send(self._connection.then(answers.append))
        self._connection.wait_until(lambda: bool(answers), deadline, doing)
