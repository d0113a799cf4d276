"""The scheduled look at the topology: what differs is counted, how full the queues are is shown."""

from __future__ import annotations

from collections.abc import Iterable

from chalicelib.mq.drift.conflict import DRIFT
from chalicelib.mq.drift.found import FoundTopology, Survey
from chalicelib.mq.drift.plan import Plan, plan
from chalicelib.mq.topology import Topology
from chalicelib.observability import count, gauge, logger


class TopologyWatch:
    """Looks and tells; changes nothing, so that running it twice is safe."""

    def __init__(self, survey: Survey, topology: Topology) -> None:
        self._survey = survey
        self._topology = topology

    def run(self) -> Plan:
        """Look once.

        Returns
        -------
        Plan
            What was reported.

        Raises
        ------
        BrokerError
            The broker does not answer, or refuses us.
        """
        found = self._survey.look(self._topology)
        planned = plan(self._topology, found)
        for difference in planned.differences:
            logger.error("topology drift", difference=difference, runbook=DRIFT)
        if planned.differences:
            count("TopologyDrift", len(planned.differences))
        for remark in planned.remarks:
            logger.info("topology", remark=remark)
        self._show_depths(found)
        return planned

    def _show_depths(self, found: FoundTopology) -> None:
        dead = {s.dead_queue for s in self._topology.subscriptions}
        ours = {queue.name for queue in self._topology.queues()}
        gauge("DeadLetters", _ready(found, dead))
        gauge("QueueBacklog", _ready(found, ours - dead))


def _ready(found: FoundTopology, names: Iterable[str]) -> int:
    return sum(found.queues[name].ready or 0 for name in names if name in found.queues)
