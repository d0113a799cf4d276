"""The broker's topology: what differs, making what is missing, deleting what is to be made anew."""

from __future__ import annotations

from chalicelib.mq.drift.building import Builder
from chalicelib.mq.drift.found import Survey
from chalicelib.mq.drift.plan import Plan, plan
from chalicelib.mq.topology import Topology
from chalicelib.ops.telling import Tell


def show_plan(survey: Survey, topology: Topology, tell: Tell) -> None:
    """Say what `apply` would do; changes nothing.

    Raises
    ------
    BrokerError
        The broker cannot be used.
    """
    planned = plan(topology, survey.look(topology))
    for step in planned.steps:
        tell(f"to do: {step}")
    _tell_rest(planned, tell)
    if not planned.differences:
        tell("nothing to do")


def apply(survey: Survey, builder: Builder, topology: Topology, tell: Tell) -> bool:
    """Make what is missing, unless something else is in its place. Idempotent.

    Returns
    -------
    bool
        Whether all is as it should be now. If there is a conflict nothing was changed.

    Raises
    ------
    BrokerError
        The broker cannot be used; a part may be done.
    """
    planned = plan(topology, survey.look(topology))
    if planned.conflicts:
        for conflict in planned.conflicts:
            tell(f"conflict: {conflict}")
        tell("nothing was changed")
        return False
    builder.carry_out((*planned.steps, *planned.unseen))
    for step in planned.steps:
        tell(f"done: {step}")
    for bind in planned.unseen:
        tell(f"done: {bind}, unless it was bound already")
    for remark in planned.remarks:
        tell(f"note: {remark}")
    if not planned.steps:
        tell("nothing was missing")
    return True


def check(survey: Survey, topology: Topology, tell: Tell) -> bool:
    """Say what differs; changes nothing.

    Returns
    -------
    bool
        Whether nothing does, as far as can be seen.

    Raises
    ------
    BrokerError
        The broker cannot be used.
    """
    planned = plan(topology, survey.look(topology))
    for step in planned.steps:
        tell(f"missing: {step}")
    _tell_rest(planned, tell)
    if not planned.differences:
        tell("nothing differs")
    return not planned.differences


def _tell_rest(planned: Plan, tell: Tell) -> None:
    for conflict in planned.conflicts:
        tell(f"conflict: {conflict}")
    for bind in planned.unseen:
        tell(
            "not seen without the management API:"
            f" whether queue {bind.queue} is bound to exchange {bind.exchange}"
        )
    for remark in planned.remarks:
        tell(f"note: {remark}")
