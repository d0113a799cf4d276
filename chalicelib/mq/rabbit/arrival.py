"""A drain comes to its queues: it makes what is missing, and takes what is there as it is.

A queue that somebody declared in another way holds messages all the same, and they are somebody's
courses. So a difference stops no drain; it is counted and logged. The broker ends the channel with
each refusal: what was refused is left out when the next connection goes through the steps again.
"""

from __future__ import annotations

from collections.abc import Callable

from chalicelib.deadline import Deadline
from chalicelib.errors import BrokerError
from chalicelib.mq.drift.conflict import DRIFT
from chalicelib.mq.drift.plan import Step, steps_of
from chalicelib.mq.rabbit.connection import RabbitConnection
from chalicelib.mq.rabbit.declaring import Declarations
from chalicelib.mq.rabbit.faults import Refused, TopologyFault
from chalicelib.mq.topology import Subscription
from chalicelib.observability import count, logger


def arrive(
    connect: Callable[[], RabbitConnection], subscription: Subscription, deadline: Deadline
) -> RabbitConnection:
    """A connection, after all that could be made of a subscription was made. Idempotent.

    Raises
    ------
    BrokerError
        The connection is lost, or there was no answer in time.
    """
    refused: dict[Step, BrokerError] = {}
    while True:
        connection = connect()
        try:
            refusal = _refusal(connection, subscription, refused, deadline)
        except BaseException:
            connection.abort()
            raise
        if refusal is None:
            _report(subscription, refused)
            return connection
        connection.close()
        step, error = refusal
        refused[step] = error


def _refusal(
    connection: RabbitConnection,
    subscription: Subscription,
    left_out: dict[Step, BrokerError],
    deadline: Deadline,
) -> tuple[Step, BrokerError] | None:
    """The first step that the broker refuses, and how."""
    declarations = Declarations(connection, deadline)
    for step in steps_of(subscription):
        if step in left_out:
            continue
        try:
            declarations.carry_out(step, deadline)
        except (TopologyFault, Refused) as error:
            return step, error
    return None


def _report(subscription: Subscription, refused: dict[Step, BrokerError]) -> None:
    for step, error in refused.items():
        logger.error(
            "topology drift",
            subscription=subscription.work_queue,
            step=str(step),
            detail=error.detail,
            runbook=DRIFT,
        )
    if refused:
        count("TopologyDrift", len(refused))
