"""Visits of payers to the pay page, however they came there."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass
from datetime import timedelta

from chalicelib.clock import Clock
from infra.local.wechat.ledger import Prepay

H5_LIFETIME = timedelta(minutes=5)
PREPAY_LIFETIME = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Visit:
    """One payer in front of one trade. ``return_url`` is where the page sends them afterwards."""

    prepay: Prepay
    openid: str
    return_url: str


class Visits:
    """Keeps them, and which payer an ``h5_url`` belongs to."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._visits: dict[str, Visit] = {}
        self._h5_payers: dict[str, str] = {}

    def is_alive(self, prepay: Prepay, lifetime: timedelta = PREPAY_LIFETIME) -> bool:
        """Whether what a prepay request gave can still be used."""
        return self._clock.now() <= prepay.made_at + lifetime

    def belongs_to(self, prepay: Prepay, openid: str) -> bool:
        """Whether an ``h5_url`` is this payer's: it is bound to who opens it first."""
        with self._lock:
            return self._h5_payers.setdefault(prepay.prepay_id, openid) == openid

    def start(self, visit: Visit) -> str:
        """The id of a new visit."""
        visit_id = secrets.token_urlsafe(16)
        with self._lock:
            self._visits[visit_id] = visit
        return visit_id

    def find(self, visit_id: str) -> Visit | None:
        """One visit."""
        with self._lock:
            return self._visits.get(visit_id)
