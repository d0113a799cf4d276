"""When somebody looks whether the goods of an order have followed its message. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chalicelib.orders.ports import Change


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSchedule:
    """The pauses before the first, the second, ... audit; the last for all that follow.

    A setting, so that tests can shorten them.
    """

    pauses: tuple[timedelta, ...] = (
        timedelta(minutes=5),
        timedelta(minutes=10),
        timedelta(minutes=30),
        timedelta(hours=1),
        timedelta(hours=6),
        timedelta(hours=24),
    )

    def next_audit(self, audits: int, now: datetime) -> datetime:
        """When to look again after ``audits`` that found the goods missing."""
        return now + self.pauses[min(audits, len(self.pauses) - 1)]


def to_be_audited(change: Change, schedule: AuditSchedule, now: datetime) -> Change:
    """The change; an order whose subscribers are told of its goods is audited from now on.

    A message that was confirmed can still be lost with its queue, and its subscriber can be
    broken for hours, so each message of settling and of refunding begins the audits anew.
    """
    if not change.messages:
        return change
    due = schedule.next_audit(0, now)
    orders = tuple(replace(order, next_audit_at=due, audits=0) for order in change.orders)
    return replace(change, orders=orders)
