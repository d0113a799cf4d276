"""What a run found, as JSON."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

_PUBLISHED = ("OutboxConfirmed", "OutboxReturned", "OutboxNacked", "OutboxUnknown")


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """One fault; seconds since the run began. ``healed_at`` is when all was in order again."""

    fault: str
    struck_at: float
    healed_at: float
    written: int
    """Messages that were written before it struck."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The numbers of a run.

    Parameters
    ----------
    seed : int
        The same seed and number of messages give the same faults in the same order.
    messages : int
        What the writers put into the outbox: one for each payment, one for each refund.
    published, confirmed : int
        What relay and sweeper handed to the broker, and what of it the broker confirmed, by the
        functions' own metrics. A message that is sent again counts again; what a killed process
        had not written to its log is missing.
    acked : int
        Deliveries that the drains were done with, by their metrics.
    duplicated : int
        Copies beyond the first of each message, at least: by what was confirmed or by what the
        drains were done with, whichever tells of more. Never an effect.
    poison : int
        Messages of strangers that could not be handled, beside ``messages``: each went to the dead
        queues, and an operator dropped it or, its row being mended, replayed it.
    lost : int
        Orders whose goods did not follow their payment or their refund, by the tables.
    effects : int
        Payments whose one grant is in force, for the time that was bought, and refunds whose grant
        is gone: exactly once each, by the tables. As many as there are messages when all is well.
    wrong : list[str]
        What happened otherwise than exactly once.
    dead : int
        Messages in the dead queues.
    outbox_left : int
        Rows of the outbox, waiting or dead.
    seconds : float
        From the first message until all was quiet.
    faults : list[Happened]
        In their order.
    """

    seed: int
    messages: int
    published: int
    confirmed: int
    acked: int
    duplicated: int
    poison: int
    lost: int
    effects: int
    wrong: list[str]
    dead: int
    outbox_left: int
    seconds: float
    metrics: dict[str, int]
    faults: list[Happened]

    @property
    def is_well(self) -> bool:
        """Nothing lost, each effect exactly once, nothing left anywhere."""
        left = self.lost or self.wrong or self.dead or self.outbox_left
        return not left and self.effects == self.messages

    def write(self, path: Path) -> None:
        """Write it as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(asdict(self), indent=2, ensure_ascii=False)
        path.write_text(text + "\n", encoding="utf-8")

    def summary(self) -> str:
        """One line."""
        return (
            f"seed {self.seed}: {self.messages} messages, {len(self.faults)} faults, "
            f"{self.seconds:.0f} s; published {self.published}, confirmed {self.confirmed}, "
            f"lost {self.lost}, duplicated {self.duplicated}, effects {self.effects}, "
            f"dead {self.dead}, outbox {self.outbox_left}, wrong {len(self.wrong)}, "
            f"poison {self.poison}"
        )


def published(metrics: Counter[str]) -> int:
    """All that was handed to the broker, whatever it said."""
    return sum(metrics[name] for name in _PUBLISHED)
