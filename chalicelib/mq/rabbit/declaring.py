"""Makes what ``chalicelib.mq.topology`` describes, or checks that it is there.

A check is a passive declaration, which also proves that the broker answers. AMQP cannot list
bindings: a missing one shows only in messages that no queue receives.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pika.exchange_type import ExchangeType

from chalicelib.deadline import Deadline
from chalicelib.mq.drift.plan import Bind, DeclareExchange, DeclareQueue, Step, steps_of
from chalicelib.mq.rabbit.connection import RabbitConnection
from chalicelib.mq.rabbit.faults import as_faults
from chalicelib.mq.topology import Subscription, Topology


@dataclass(frozen=True, slots=True)
class Seen:
    """What a passive declaration tells of a queue at this moment."""

    ready: int
    consumers: int


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
        for step in steps_of(subscription):
            self.carry_out(step, deadline)

    def carry_out(self, step: Step, deadline: Deadline) -> None:
        """Make one thing. Idempotent; raises as `declare` does."""
        match step:
            case DeclareExchange(name):
                fanout = ExchangeType.fanout.value
                self._ask(
                    f"declaring exchange {name}",
                    lambda done: self._channel.exchange_declare(
                        name, fanout, durable=True, callback=done
                    ),
                    deadline,
                )
            case DeclareQueue(queue):
                self._ask(
                    f"declaring queue {queue.name}",
                    lambda done: self._channel.queue_declare(
                        queue.name, durable=True, arguments=dict(queue.arguments), callback=done
                    ),
                    deadline,
                )
            case Bind(queue_name, exchange):
                self._ask(
                    f"binding {queue_name} to {exchange}",
                    lambda done: self._channel.queue_bind(queue_name, exchange, callback=done),
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
            self.see_exchange(exchange, deadline)
        for queue in topology.work_queues():
            self.see_queue(queue, deadline)

    def see_exchange(self, name: str, deadline: Deadline) -> None:
        """Make sure that an exchange is there; raises as `check` does."""
        self._ask(
            f"looking for exchange {name}",
            lambda done: self._channel.exchange_declare(name, passive=True, callback=done),
            deadline,
        )

    def see_queue(self, name: str, deadline: Deadline) -> Seen:
        """Make sure that a queue is there; raises as `check` does."""
        answer = self._ask(
            f"looking for queue {name}",
            lambda done: self._channel.queue_declare(name, passive=True, callback=done),
            deadline,
        )
        return Seen(ready=answer.method.message_count, consumers=answer.method.consumer_count)

    def delete_queue(self, name: str, deadline: Deadline, *, if_empty: bool) -> None:
        """Delete a queue; one that is not there is no error.

        ``if_empty`` is for classic queues alone: a quorum queue answers 540 and the connection
        ends. It looks at what is ready, not at what a consumer has.
        https://www.rabbitmq.com/docs/quorum-queues#feature-comparison

        Raises
        ------
        TopologyFault
            It is not empty, and was to be.
        BrokerError
            The connection is lost, or there was no answer in time.
        """
        self._ask(
            f"deleting queue {name}",
            lambda done: self._channel.queue_delete(name, if_empty=if_empty, callback=done),
            deadline,
        )

    def _ask(
        self, doing: str, send: Callable[[Callable[..., None]], object], deadline: Deadline
    ) -> Any:
        answers: list[Any] = []
        with as_faults(doing):
            send(self._connection.then(answers.append))
        self._connection.wait_until(lambda: bool(answers), deadline, doing)
        return answers[0]
