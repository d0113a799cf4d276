"""The one place that reads the wall clock, and the two ways a moment is written down.

Inside, time is timezone-aware UTC. The platforms and people in China read Beijing time (UTC+8,
no daylight saving), which is a fixed offset here so that no time-zone database is needed.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Protocol

BEIJING = timezone(timedelta(hours=8), "Beijing")
_BEIJING_TEXT = "%Y-%m-%d %H:%M:%S"
_EARLIEST = datetime(2020, 1, 1, tzinfo=UTC)
_LATEST = datetime(2100, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    """Tells the present moment."""

    def now(self) -> datetime:
        """The present moment, timezone-aware, in UTC."""
        ...


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """The present moment in UTC, with microseconds."""
        return datetime.now(UTC)


def to_beijing_text(moment: datetime) -> str:
    """``yyyy-MM-dd HH:mm:ss`` in Beijing time: what Alipay and the platform's frontends read."""
    return moment.astimezone(BEIJING).strftime(_BEIJING_TEXT)


def from_beijing_text(text: str) -> datetime:
    """The UTC moment of a ``yyyy-MM-dd HH:mm:ss`` text in Beijing time.

    Raises
    ------
    ValueError
        The text has another form.
    """
    try:
        return datetime.strptime(text, _BEIJING_TEXT).replace(tzinfo=BEIJING).astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"out of range: {text!r}") from error


def to_rfc3339(moment: datetime) -> str:
    """RFC 3339 in Beijing time with its offset: how new fields and messages carry a moment."""
    return moment.astimezone(BEIJING).isoformat(timespec="seconds")


def from_rfc3339(text: str) -> datetime:
    """The UTC moment of an RFC 3339 text.

    Raises
    ------
    ValueError
        The text has another form, or no offset.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"no offset in {text!r}")
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"out of range: {text!r}") from error


def is_plausible(moment: datetime) -> bool:
    """Whether a business moment can be true; beyond, sums with it leave the calendar."""
    return _EARLIEST <= moment <= _LATEST


def to_millis(moment: datetime) -> int:
    """Milliseconds since 1970, for order numbers, leases and stream records."""
    return int(moment.timestamp() * 1000)
