"""Steps that are seen from outside: each does its part, and looks whether it really happened."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

_T = TypeVar("_T")
_POLL_SECONDS = 0.1


class StepFailed(Exception):
    """The step did not happen; the text says what was seen instead."""


@dataclass(frozen=True, slots=True)
class Step:
    """One of several. ``do`` returns the ids that it met, for people to read."""

    number: int
    title: str
    do: Callable[[], str]


def expect(what: str, seen: object, wanted: object) -> None:
    """See what is wanted.

    Raises
    ------
    StepFailed
        It is something else.
    """
    if seen != wanted:
        raise StepFailed(f"{what} is {seen!r}, not {wanted!r}")


def until(failure: str, look: Callable[[], _T], seconds: float) -> _T:
    """Look until something true is seen.

    Raises
    ------
    StepFailed
        With ``failure``: nothing within ``seconds``.
    """
    deadline = time.monotonic() + seconds
    while not (seen := look()):
        if time.monotonic() > deadline:
            raise StepFailed(f"{failure} within {seconds:.0f} s")
        time.sleep(_POLL_SECONDS)
    return seen


def walk(steps: tuple[Step, ...], say: Callable[[str], None]) -> bool:
    """Do the steps one after the other, saying of each how long it took; False at a failed one."""
    for step in steps:
        started = time.monotonic()
        try:
            ids = step.do()
        except StepFailed as failure:
            say(f"✗ step {step.number} did not happen: {step.title}: {failure}")
            return False
        say(f"✓ {step.number}  {time.monotonic() - started:6.2f} s  {step.title}: {ids}")
    return True
