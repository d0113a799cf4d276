"""Hands out addresses of bills: each is good for 30 seconds.

https://opendocs.alipay.com/open/02ekfu
"""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from chalicelib.clock import Clock

URL_LIFETIME = timedelta(seconds=30)


@dataclass(slots=True)
class BillCounter:
    """Which day a ticket stands for, and until when."""

    clock: Clock
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _tickets: dict[str, tuple[date, datetime]] = field(default_factory=dict)

    def ticket_for(self, day: date) -> str:
        """A new ticket for the bill of a Beijing day."""
        ticket = secrets.token_urlsafe(16)
        with self._lock:
            self._tickets[ticket] = (day, self.clock.now() + URL_LIFETIME)
        return ticket

    def day_of(self, ticket: str) -> date | None:
        """The day of a ticket; None when it is unknown or too old."""
        with self._lock:
            day, until = self._tickets.get(ticket, (None, self.clock.now()))
        return day if self.clock.now() < until else None
