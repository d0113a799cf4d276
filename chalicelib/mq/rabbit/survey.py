"""A look at the topology with nothing but AMQP: it sees less than the management API.

Whether a name is there, a passive declaration tells. Whether it is ours under that name, the
broker tells when it is asked for ours: it takes an equal declaration for done, and refuses another
with 406 and the first argument that differs
(https://www.rabbitmq.com/docs/queues#property-equivalence). Bindings it never tells.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from pika.exceptions import ChannelClosedByBroker

from chalicelib.deadline import Deadline
from chalicelib.errors import BrokerError
from chalicelib.mq.drift.found import FoundExchange, FoundQueue, FoundTopology
from chalicelib.mq.drift.plan import DeclareExchange, DeclareQueue, Step
from chalicelib.mq.rabbit.address import BrokerAddress
from chalicelib.mq.rabbit.connection import RabbitConnection
from chalicelib.mq.rabbit.declaring import Declarations
from chalicelib.mq.rabbit.faults import Refused, TopologyFault
from chalicelib.mq.rabbit.login import log_in
from chalicelib.mq.topology import Queue, Topology

_LOOK_SECONDS = 30
_NOT_FOUND = 404

_Told = TypeVar("_Told")


class AmqpSurvey:
    """Implements `chalicelib.mq.drift.found.Survey`, for the names of the topology alone.

    A queue that is deleted between the two questions about it is declared by the second.
    """

    def __init__(self, address: BrokerAddress) -> None:
        self._address = address

    def look(self, topology: Topology) -> FoundTopology:
        """What is there of ``topology``; bindings are not known."""
        asking = _Asking(self._address, Deadline.after(_LOOK_SECONDS))
        try:
            exchanges = [asking.exchange(name) for name in topology.exchanges()]
            queues = [asking.queue(queue) for queue in topology.queues()]
        finally:
            asking.end()
        return FoundTopology(
            exchanges={each.name: each for each in exchanges if each is not None},
            queues={each.name: each for each in queues if each is not None},
            bindings=None,
        )


class _Asking:
    """Questions on one connection, which each refusal ends and the next question opens anew."""

    def __init__(self, address: BrokerAddress, deadline: Deadline) -> None:
        self._address = address
        self._deadline = deadline
        self._connection: RabbitConnection | None = None

    def exchange(self, name: str) -> FoundExchange | None:
        there = self._if_there(lambda d: d.see_exchange(name, self._deadline))
        if there is None:
            return None
        return FoundExchange(name=name, refusal=self._refusal(DeclareExchange(name)))

    def queue(self, queue: Queue) -> FoundQueue | None:
        there = self._if_there(lambda d: d.see_queue(queue.name, self._deadline))
        if there is None:
            return None
        (seen,) = there
        return FoundQueue(
            name=queue.name,
            refusal=self._refusal(DeclareQueue(queue)),
            ready=seen.ready,
            consumers=seen.consumers,
        )

    def end(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _if_there(self, ask: Callable[[Declarations], _Told]) -> tuple[_Told] | None:
        try:
            return (self._asked(ask),)
        except TopologyFault as error:
            if _code(error) != _NOT_FOUND:
                raise
            return None

    def _refusal(self, step: Step) -> str:
        """What the broker says against ours; empty if nothing, or if we may not ask."""
        try:
            self._asked(lambda declarations: declarations.carry_out(step, self._deadline))
        except TopologyFault as error:
            return _words(error)
        except Refused:
            return ""
        return ""

    def _asked(self, ask: Callable[[Declarations], _Told]) -> _Told:
        # A channel for each: one that has used a queue may end its connection with an internal
        # error of the broker when it declares the same name with another type.
        try:
            if self._connection is None:
                self._connection = log_in(self._address, "topology", self._deadline)
            return ask(Declarations(self._connection, self._deadline))
        except (TopologyFault, Refused):
            self.end()
            raise
        except BaseException:
            if self._connection is not None:
                self._connection.abort()
            self._connection = None
            raise


def _code(error: BrokerError) -> int:
    cause = error.__cause__
    return cause.reply_code if isinstance(cause, ChannelClosedByBroker) else 0


def _words(error: BrokerError) -> str:
    cause = error.__cause__
    return cause.reply_text if isinstance(cause, ChannelClosedByBroker) else error.detail
