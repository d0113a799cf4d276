"""RabbitMQ through pika, which nothing outside this package imports.

address      where the broker is, and how to speak to it
connection   one connection whose event loop runs only while somebody waits, always to a deadline
confirms     a channel in confirm mode: many messages, one wait
line         pika's event loop, with a hand on the line to the broker
login        opening a connection; a password that was rotated costs one more attempt
declaring    makes or checks what ``chalicelib.mq.topology`` describes
arrival      a drain comes to its queues: makes what is missing, takes what is there
survey       what the broker has, seen by AMQP alone
building     an operator's hand on the topology
publisher    `RabbitPublisher`: the relay's `Publisher`
inbox        `RabbitInbox`: the drains' `Inbox`
dead_letters `RabbitDeadQueue`: the operators' `DeadQueue`
faults       errors of pika and of sockets as errors of this project

One mechanism for both directions: ``pika.SelectConnection``. pika's blocking connection cannot
pipeline publisher confirms, and none of its waits can be given a deadline.
"""

from __future__ import annotations

from chalicelib.mq.rabbit.address import BrokerAddress
from chalicelib.mq.rabbit.dead_letters import RabbitDeadQueue, dead_queue_opener
from chalicelib.mq.rabbit.inbox import RabbitInbox, connector
from chalicelib.mq.rabbit.publisher import RabbitPublisher

__all__ = [
    "BrokerAddress",
    "RabbitDeadQueue",
    "RabbitInbox",
    "RabbitPublisher",
    "connector",
    "dead_queue_opener",
]
