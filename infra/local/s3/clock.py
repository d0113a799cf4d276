"""The time of day as the gate sees it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class MovableClock:
    """The machine's clock, and how far it shall be ahead; negative is behind."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        """In UTC."""
        return datetime.now(UTC) + self.ahead
