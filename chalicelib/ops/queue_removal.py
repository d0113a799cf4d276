"""Deleting a queue of ours that is to be made anew, once nothing can be lost with it.

A quorum queue cannot be deleted on condition of being empty, and what a consumer holds shows only
in statistics that are seconds old. So all queues of the subscriber are watched for a while in which
nothing may be in any of them. Publishing is paused meanwhile: what is neither waiting nor with a
consumer then cannot come any more.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.mq.drift.building import Builder
from chalicelib.mq.drift.found import FoundQueue, FoundTopology, Survey
from chalicelib.mq.pause import PublishingPause
from chalicelib.mq.topology import Subscription, Topology
from chalicelib.ops.telling import Tell

_LOOK_EVERY_SECONDS = 1.0
# More than twice the interval in which the broker counts what consumers hold.
_STATISTICS_SECONDS = 12
# What a batch may take beyond its deadline.
_GRACE_SECONDS = 5


def quiet_seconds(publish_deadline_seconds: float) -> float:
    """How long queues must be seen empty: for any batch to end, and then to be counted."""
    return publish_deadline_seconds + _GRACE_SECONDS + _STATISTICS_SECONDS


class NotDeleted(Exception):
    """It cannot be deleted now; the text says why. Nothing was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRemoval:
    """Deletes queues of ours.

    Parameters
    ----------
    survey : Survey
        One that sees everything: the management API.
    quiet_seconds : float
        How long the queues must be seen empty; see `quiet_seconds`.
    """

    topology: Topology
    survey: Survey
    builder: Builder
    pause: PublishingPause
    quiet_seconds: float
    monotonic: Callable[[], float] = time.monotonic
    wait: Callable[[float], None] = time.sleep

    def delete(self, name: str, tell: Tell) -> None:
        """Delete a queue; one that is not there is no error.

        Raises
        ------
        NotDeleted
            It is none of ours; publishing is not paused; a message is in it, or in another queue
            of the same subscriber, from where it might come; or nobody can see whether one is.
            Dead letters are in the way of their own queue alone.
        BrokerError, Unavailable
            The broker or the switch cannot be used; the queue may be deleted or not.
        """
        subscription = self._owner(name)
        self._be_paused()
        found = self.survey.look(self.topology)
        if found.bindings is None:
            raise NotDeleted(
                "only the management API sees what consumers hold, and none is named:"
                " RABBITMQ_MANAGEMENT_URL"
            )
        there = found.queues.get(name)
        if there is None:
            tell(f"queue {name} is not there")
            return
        tell(f"watching for {self.quiet_seconds:g} s whether anything is in its queues")
        self._be_empty(name, subscription)
        self._be_paused()
        self.builder.delete(name, if_empty=_is_classic(there))
        tell(f"deleted queue {name}; next: topology apply, topology check, relay resume")

    def _owner(self, name: str) -> Subscription:
        for subscription in self.topology.subscriptions:
            if name in _names(subscription) or _is_retry(name, subscription):
                return subscription
        raise NotDeleted(f"{name} is none of our queues")

    def _be_paused(self) -> None:
        if not self.pause.is_paused():
            raise NotDeleted("publishing is not paused: python -m infra.ops relay pause")

    def _be_empty(self, name: str, subscription: Subscription) -> None:
        until = self.monotonic() + self.quiet_seconds
        while True:
            ends = self.monotonic() >= until
            found = self.survey.look(self.topology)
            group = _group(name, subscription, found)
            for queue in group:
                _check_statistics(queue, may_be_unknown=not ends)
            waiting = self.builder.ready(queue.name for queue in group)
            if waiting:
                raise NotDeleted(
                    f"{waiting} messages wait in the queues of {subscription.work_queue}"
                )
            if ends:
                return
            self.wait(_LOOK_EVERY_SECONDS)


def _group(name: str, subscription: Subscription, found: FoundTopology) -> list[FoundQueue]:
    """All queues of the subscriber from which a message might still go to another one."""
    ours = _names(subscription) - ({subscription.dead_queue} - {name})
    return [q for q in found.queues.values() if q.name in ours or _is_retry(q.name, subscription)]


def _check_statistics(queue: FoundQueue, *, may_be_unknown: bool) -> None:
    if queue.ready is None or queue.unacknowledged is None:
        if not may_be_unknown:
            raise NotDeleted(f"the broker does not tell yet what is in {queue.name}")
    elif queue.ready + queue.unacknowledged:
        raise NotDeleted(
            f"{queue.name} has {queue.ready} messages, and {queue.unacknowledged} are out with"
            " a consumer; the drains go on, try again"
        )


def _names(subscription: Subscription) -> set[str]:
    return {queue.name for queue in subscription.queues()}


def _is_retry(name: str, subscription: Subscription) -> bool:
    """Also one of other delays, that was left behind."""
    return re.fullmatch(re.escape(subscription.work_queue) + r"\.retry\.\d+s", name) is not None


def _is_classic(queue: FoundQueue) -> bool:
    return queue.properties is not None and queue.properties.queue_type == "classic"
