"""The platform's codes for goods and for the record of one that was chosen."""

from __future__ import annotations

import re
from enum import StrEnum

PLAIN_ID = r"\A[0-9A-Za-z_-]{1,64}\Z"
"""The id of goods, or of the record of goods that were chosen; ``$`` would let a line end by."""

_PLAIN_ID = re.compile(PLAIN_ID)


class Charge(StrEnum):
    """Whether goods cost money (收费规则)."""

    FREE = "201000"
    PAID = "201001"


class PublishStatus(StrEnum):
    """Whether goods can be chosen (发布状态)."""

    UNPUBLISHED = "203001"
    PUBLISHED = "203002"
    OFFLINE = "203003"


class ChooseType(StrEnum):
    """On which terms goods were chosen (选课类型)."""

    FREE = "700001"
    PAID = "700002"


class ChooseStatus(StrEnum):
    """The state of the record of goods that were chosen (选课状态)."""

    CHOSEN = "701001"
    AWAITING_PAYMENT = "701002"
    REFUNDED = "701003"


CHOOSE_MOVES = (
    (ChooseStatus.AWAITING_PAYMENT, ChooseStatus.CHOSEN, "its payment was heard"),
    (ChooseStatus.AWAITING_PAYMENT, ChooseStatus.REFUNDED, "its refund was heard first"),
    (ChooseStatus.CHOSEN, ChooseStatus.REFUNDED, "its refund was heard"),
)
"""From, to, and what makes the step: all there are, for the code and for docs/states.md."""


class UndeclaredMove(RuntimeError):
    """The code tried a step that `CHOOSE_MOVES` does not have."""


def moved(record_id: str, start: ChooseStatus, to: ChooseStatus) -> ChooseStatus:
    """``to``, if a record may go there from ``start``; staying where it is is no move.

    Raises
    ------
    UndeclaredMove
        There is no such step.
    """
    if start is not to and not any((start, to) == (one, other) for one, other, _ in CHOOSE_MOVES):
        raise UndeclaredMove(f"{record_id}: {start.name} to {to.name}")
    return to


def is_plain_id(text: str) -> bool:
    """Whether ``text`` can be the id of goods, or of the record of goods that were chosen."""
    return _PLAIN_ID.fullmatch(text) is not None
