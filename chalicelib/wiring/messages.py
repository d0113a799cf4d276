"""Step 8: from the outbox to the exchanges, and what operators do with queues."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

from chalicelib.settings import settings
from chalicelib.wiring.foundation import clock, dynamo, secrets

if TYPE_CHECKING:
    from chalicelib.mq.dead_letters import OpenDeadQueue
    from chalicelib.mq.drift.building import Builder
    from chalicelib.mq.drift.found import Survey
    from chalicelib.mq.drift.watch import TopologyWatch
    from chalicelib.mq.outbox import Outbox
    from chalicelib.mq.pause import Switch
    from chalicelib.mq.rabbit import BrokerAddress
    from chalicelib.mq.relay import Relay
    from chalicelib.mq.sweeper import Sweeper
    from chalicelib.mq.topology import Topology
    from chalicelib.ops.queue_removal import QueueRemoval


@cache
def topology() -> Topology:
    """What the broker must have."""
    from chalicelib.mq.topology import QueueStyle, platform_topology

    style = QueueStyle(settings().paynotify_queue_style)
    return platform_topology(settings().retry_delays_seconds, style)


@cache
def broker_address() -> BrokerAddress:
    """Where the broker is."""
    from chalicelib.mq.rabbit import BrokerAddress

    return BrokerAddress(settings(), secrets())


@cache
def outbox() -> Outbox:
    """The messages that no queue has yet."""
    from chalicelib.mq.outbox import Outbox

    return Outbox(dynamo())


@cache
def publishing_switch() -> Switch:
    """Whether messages may be published."""
    from chalicelib.mq.switches import PublishingSwitch

    return PublishingSwitch(dynamo())


@cache
def topology_survey() -> Survey:
    """What the broker has: by the management API, or by AMQP where there is none."""
    from chalicelib.mq.management import ManagementAddress, ManagementApi
    from chalicelib.mq.rabbit.survey import AmqpSurvey

    address = ManagementAddress(settings(), secrets)
    if not address.given():
        return AmqpSurvey(broker_address())
    return ManagementApi(address, lambda: broker_address().parameters("topology").virtual_host)


@cache
def topology_builder() -> Builder:
    """Makes and deletes queues."""
    from chalicelib.mq.rabbit.building import RabbitBuilder

    return RabbitBuilder(broker_address())


@cache
def topology_watch() -> TopologyWatch:
    """The scheduled check of the topology."""
    from chalicelib.mq.drift.watch import TopologyWatch

    return TopologyWatch(topology_survey(), topology())


@cache
def queue_removal() -> QueueRemoval:
    """Deletes queues that are to be made anew."""
    from chalicelib.ops.queue_removal import QueueRemoval, quiet_seconds

    return QueueRemoval(
        topology=topology(),
        survey=topology_survey(),
        builder=topology_builder(),
        pause=publishing_switch(),
        quiet_seconds=quiet_seconds(settings().publish_deadline_seconds),
    )


@cache
def relay() -> Relay:
    """Step 8: outbox rows from the stream to the exchange."""
    from chalicelib.mq.rabbit import RabbitPublisher
    from chalicelib.mq.relay import Relay, RelayLimits

    return Relay(
        outbox(),
        RabbitPublisher(broker_address(), topology(), clock()),
        topology(),
        clock(),
        RelayLimits(
            publish_deadline_seconds=settings().publish_deadline_seconds,
            stream_owns=timedelta(seconds=settings().outbox_stream_owns_seconds),
        ),
        publishing_switch(),
    )


@cache
def sweeper() -> Sweeper:
    """Outbox rows that the stream left, by time."""
    from chalicelib.mq.rabbit import RabbitPublisher
    from chalicelib.mq.sweeper import Sweeper, SweepLimits

    return Sweeper(
        rows=outbox(),
        publisher=RabbitPublisher(broker_address(), topology(), clock()),
        topology=topology(),
        pause=publishing_switch(),
        clock=clock(),
        limits=SweepLimits(
            most=settings().outbox_sweep_most,
            publish_deadline_seconds=settings().publish_deadline_seconds,
            retry_after=tuple(timedelta(seconds=wait) for wait in settings().outbox_retry_seconds),
            refusals_until_dead=settings().outbox_refusals_until_dead,
        ),
    )


@cache
def dead_queues() -> OpenDeadQueue:
    """How an operator gets at dead letters."""
    from chalicelib.mq.rabbit import dead_queue_opener

    return dead_queue_opener(broker_address())
