"""What a purchase needs of goods: how they are chosen, and what is seen of them once they are paid.

Whether they are open is seen where their buyer sees it, never in the database.
"""

from __future__ import annotations

from typing import Protocol

from infra.local.purchase.person import Person


class Goods(Protocol):
    """One thing that is sold. Every deed and every look may raise `StepFailed`."""

    order_type: str
    """The code by which an order knows this kind of goods."""
    called: str
    """What this kind of goods is called in a sentence."""
    choosing: str
    announcing: str
    opening: str
    taking_back: str
    """What the steps are called in which kinds of goods differ."""

    def choose(self, student: Person) -> str:
        """Choose it, who does not own it yet; the number of the record that an order is for."""
        ...

    def is_open(self, student: Person) -> bool:
        """Whether the student has it now."""
        ...

    def opened(self, student: Person) -> str:
        """Look at all that must be true of goods that are open; what was seen."""
        ...

    def taken_back(self, student: Person) -> str:
        """Look at all that must be true of goods that were taken back; what was seen."""
        ...
