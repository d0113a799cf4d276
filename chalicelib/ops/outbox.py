"""Messages that no queue has yet: look at them, and make them due again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from chalicelib.clock import to_rfc3339
from chalicelib.mq.waiting import StoredRow, StoredRows
from chalicelib.ops.telling import Tell

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def show(outbox: StoredRows, now: datetime, tell: Tell, *, dead_only: bool = False) -> None:
    """Say what is in the outbox, the oldest first; changes nothing. Reads the whole table.

    Raises
    ------
    Unavailable
        DynamoDB did not answer.
    """
    rows = sorted(outbox.rows(), key=lambda row: row.created_at or _LONG_AGO)
    for row in rows:
        if row.is_dead or not dead_only:
            _describe(row, now, tell)
    dead = sum(row.is_dead for row in rows)
    tell(f"{len(rows)} rows wait, {dead} of them dead")


def replay(outbox: StoredRows, event_keys: Sequence[str], now: datetime, tell: Tell) -> bool:
    """Make rows due now, as if they were never refused; False when one is not there.

    A row of an earlier version, which the sweeper does not see, becomes due by this as well.
    Repeating is safe. What is not there was delivered, or never was.

    Raises
    ------
    Unavailable
        DynamoDB did not answer; what was said to be due is.
    """
    all_there = True
    for event_key in dict.fromkeys(event_keys):
        there = outbox.replay(event_key, now)
        shown = _line(event_key)
        tell(f"{shown} is due now" if there else f"no row {shown}")
        all_there &= there
    return all_there


def dead_keys(outbox: StoredRows) -> tuple[str, ...]:
    """The event keys of the dead rows. Reads the whole table."""
    return tuple(row.event_key for row in outbox.rows() if row.is_dead)


def _describe(row: StoredRow, now: datetime, tell: Tell) -> None:
    age = "unknown" if row.created_at is None else _length(now - row.created_at)
    tell(f"{_line(row.event_key)}")
    tell(f"  message id {_line(row.message_id)}, exchange {_line(row.exchange)}, age {age}")
    tell(f"  refusals {row.refusals}, last answer {_line(row.last_answer)}, next {_next(row, now)}")


def _next(row: StoredRow, now: datetime) -> str:
    if row.is_dead:
        return "never: it is dead"
    if row.next_attempt_at is None:
        return "never: of an earlier version, replay it"
    if row.next_attempt_at <= now:
        return "at the next sweep"
    return to_rfc3339(row.next_attempt_at)


def _length(age: timedelta) -> str:
    minutes, seconds = divmod(max(0, int(age.total_seconds())), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = ((days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s"))
    return " ".join(f"{number} {unit}" for number, unit in parts if number) or "0 s"


def _line(text: str | None) -> str:
    """Without what a terminal obeys: a row may be anybody's."""
    return "".join(c if c.isprintable() else "?" for c in text) if text else "none"
