"""Publishing stopped and resumed by an operator, without a deployment."""

from __future__ import annotations

from collections.abc import Callable

from chalicelib.clock import to_rfc3339
from chalicelib.mq.pause import Switch, Turn
from chalicelib.ops.telling import Tell

SPARE_SECONDS = 5
"""Beyond a batch's own time: what it sent may still be on its way to the broker."""


def pause(
    switch: Switch, turn: Turn, publish_seconds: float, wait: Callable[[float], None], tell: Tell
) -> None:
    """Stop the relay and the sweeper; returns when what began before is over.

    A batch is published no longer than ``publish_seconds`` after it was permitted, and who reads
    the switch from now on permits none. Idempotent; killed while it waits, it has paused.

    Parameters
    ----------
    switch : Switch
        The deployment's.
    turn : Turn
        Who pauses, when and why.
    publish_seconds : float
        ``PUBLISH_DEADLINE_SECONDS`` of the functions.
    wait : Callable[[float], None]
        Lets this many seconds pass.
    tell : Tell
        Hears what happens.

    Raises
    ------
    Unavailable
        DynamoDB did not answer: publishing may be paused or not.
    """
    before = switch.state()
    switch.pause(turn)
    if before.is_paused:
        tell(f"was paused before: {_told(before.last_pause)}")
    tell("paused: the relay and the sweeper begin no batch any more")
    seconds = publish_seconds + SPARE_SECONDS
    tell(f"waiting {seconds:g} s for the batches that began before")
    wait(seconds)
    tell("nothing is being published now; resume with: relay resume --reason TEXT")


def resume(switch: Switch, turn: Turn, tell: Tell) -> None:
    """Let them go on: the sweeper sends what has waited from its next run on. Idempotent.

    Raises
    ------
    Unavailable
        DynamoDB did not answer: unless "resumed" was told, publishing may be paused or not.
    """
    # first of all: nothing that stands in the switch may keep it from being turned
    switch.resume(turn)
    tell("resumed: the sweeper sends what has waited from its next run on, within a minute")
    tell(f"last pause: {_told(switch.state().last_pause)}")


def status(switch: Switch, tell: Tell) -> None:
    """Say how the switch stands; changes nothing.

    Raises
    ------
    Unavailable
        DynamoDB did not answer.
    """
    state = switch.state()
    tell("paused: nothing is published" if state.is_paused else "publishing")
    tell(f"last pause: {_told(state.last_pause)}")
    tell(f"last resumption: {_told(state.last_resumption)}")


def _told(turn: Turn | None) -> str:
    if turn is None:
        return "none"
    at = "at a time that cannot be read" if turn.at is None else to_rfc3339(turn.at)
    return f"{at} by {turn.by}: {turn.reason}"
