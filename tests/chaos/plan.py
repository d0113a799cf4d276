"""The seed's plan: which faults, in which order, and how many messages are written around each.

Time is counted in messages, so that a slow machine has the same plan as a fast one.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

_MESSAGES_A_FAULT = 38
_FEWEST_FAULTS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One fault: messages written before it, while it lasts and while it is healed."""

    fault: str
    seed: int
    """Of what the fault itself leaves to chance."""
    calm: int
    held: int
    healing: int

    @property
    def messages(self) -> int:
        """All that are written for this step."""
        return self.calm + self.held + self.healing


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The steps, and the messages that are written after the last of them."""

    steps: tuple[Step, ...]
    rest: int

    @property
    def messages(self) -> int:
        """All messages of the run."""
        return sum(step.messages for step in self.steps) + self.rest


def plan_of(seed: int, messages: int, faults: Sequence[str]) -> Plan:
    """The same plan for the same arguments, on every machine and version of Python.

    Faults come in rounds, each round in an order of its own, so that none is left out of a run
    that is long enough for one round.
    """
    chance = random.Random(seed)
    number = max(_FEWEST_FAULTS, messages // _MESSAGES_A_FAULT)
    order: list[str] = []
    while len(order) < number:
        order += _shuffled(faults, chance)
    share = messages // number
    steps = tuple(_step(fault, share, chance) for fault in order[:number])
    return Plan(steps=steps, rest=messages - share * number)


def _shuffled(faults: Sequence[str], chance: random.Random) -> list[str]:
    return chance.sample(list(faults), k=len(faults))


def _step(fault: str, share: int, chance: random.Random) -> Step:
    calm = share // 5
    held = chance.randint(share * 2 // 5, share * 3 // 5)
    return Step(
        fault=fault,
        seed=chance.randrange(1 << 32),
        calm=calm,
        held=held,
        healing=share - calm - held,
    )
