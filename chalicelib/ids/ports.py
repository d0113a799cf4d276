"""What leased numbers need of a lease table; `chalicelib.ids.worker_lease` is the real one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """The answer to a write that took or extended a lease, all of it from that one response."""

    floor_ms: int
    """No earlier holder minted, or ever will mint, a number later than this millisecond."""
    server_ms: int | None
    """The table's own time, in whole seconds; None if the response did not tell."""


class LeaseStore(Protocol):
    """One row per worker id: who may use it, and until when. Rows are never lowered or deleted.

    All moments are whole milliseconds since 1970. Both calls raise ``Unavailable`` when the table
    did not answer; the write may then have happened, or may still happen later.
    """

    def acquire(self, worker_id: int, *, token: str, now_ms: int, until_ms: int) -> Granted | None:
        """Take the id if its lease ended before ``now_ms``, or if nobody ever had it.

        One conditional write moves the old end into the floor and stores ``token`` and the new
        end. None: somebody has it (perhaps an own earlier write whose answer was lost).
        """
        ...

    def renew(self, worker_id: int, *, token: str, until_ms: int) -> Granted | None:
        """Move the end on to ``until_ms`` if ``token`` still has the id and the end is earlier.

        The second half keeps a late or repeated renewal from taking back what a newer one gave.
        None: one of the two does not hold.
        """
        ...
