"""Numbers that no other container mints, whatever the clocks do: Snowflake under a lease.

A worker id is leased in a handler, never at import: a snapshot of an initialised container may be
started many times over, and all the copies would hold the same lease. The rules that make two
equal numbers impossible:

- every acquisition has a token of its own, and takes its floor from its own response;
- a renewal is lazy, and counts only once its answer was heard;
- a lease that nobody took over goes on being used, also late; one that was taken over ends at
  the bound that was heard, which lies at or below the next holder's floor.
"""

from __future__ import annotations

import math
import secrets
import threading
import uuid
from collections.abc import Callable

from chalicelib.clock import Clock, to_millis
from chalicelib.deadline import Deadline
from chalicelib.errors import Unavailable
from chalicelib.ids.ports import Granted, LeaseStore
from chalicelib.ids.snowflake import WORKERS, Minter
from chalicelib.observability import count

MAX_PROBES = 16
MAX_CLOCK_ERROR_MS = 5_000
_DATE_STEP_MS = 1_000
_RETRY_AFTER_SECONDS = 5
_LEAST_RENEWAL_PAUSE_MS = 1_000


class LeasedNumbers:
    """Implements the ``Numbers`` ports. Safe to share between threads; leases on first use."""

    def __init__(
        self,
        store: LeaseStore,
        clock: Clock,
        *,
        lease_seconds: int,
        worker_ids: range = range(WORKERS),
        wrong_clock_pause_seconds: float = 30,
        random_below: Callable[[int], int] = secrets.randbelow,
        report: Callable[[str], None] = count,
    ) -> None:
        self._store = store
        self._clock = clock
        self._lease_ms = lease_seconds * 1000
        self._worker_ids = worker_ids
        self._pause_seconds = wrong_clock_pause_seconds
        self._random_below = random_below
        self._report = report
        self._lock = threading.Lock()
        self._minter: Minter | None = None
        self._token = ""
        self._renew_from_ms = 0
        self._paused_until = Deadline.after(0)

    def next_number(self) -> str:
        """A number that no other container mints, as decimal text of at most 19 digits.

        Numbers of one lease increase. At most every few minutes a call also writes to the lease
        table, once as a rule.

        Raises
        ------
        Unavailable
            16 worker ids in a row were taken, the lease table did not answer, or this
            container's clock is wrong; ``retry_after_seconds`` says when to ask again.
        """
        with self._lock:
            number = self._mint_under_present_lease()
            if number is None:
                self._acquire()
                number = self._mint_under_present_lease()
            if number is None:
                raise _unavailable("the clock jumped over a whole lease")
            return str(number)

    def _mint_under_present_lease(self) -> int | None:
        if self._minter is None:
            return None
        if self._now_ms() > self._renew_from_ms:
            self._renew(self._minter)
        return self._minter.mint()

    def _renew(self, minter: Minter) -> None:
        asked_at = self._now_ms()
        until_ms = asked_at + self._lease_ms
        left_ms = minter.until_ms - asked_at
        # Not heard, or refused: the old bound stands, and half of what is left passes first.
        self._renew_from_ms = asked_at + max(left_ms // 2, _LEAST_RENEWAL_PAUSE_MS)
        try:
            granted = self._store.renew(minter.worker_id, token=self._token, until_ms=until_ms)
        except Unavailable:
            if left_ms < 0:
                raise
            return
        if granted is not None:
            self._check_clock(asked_at, granted)
            minter.extend(until_ms)
            self._renew_from_ms = until_ms - self._lease_ms // 2

    def _acquire(self) -> None:
        self._minter = None
        if not self._paused_until.passed():
            raise _unavailable("the clock is wrong", self._paused_until.remaining_seconds())
        start = self._random_below(len(self._worker_ids))
        for probe in range(min(MAX_PROBES, len(self._worker_ids))):
            worker_id = self._worker_ids[(start + probe) % len(self._worker_ids)]
            if self._took(worker_id):
                return
        self._report("WorkerLeasesExhausted")
        raise _unavailable(f"no free worker id from {start} on")

    def _took(self, worker_id: int) -> bool:
        token = uuid.uuid4().hex
        asked_at = self._now_ms()
        until_ms = asked_at + self._lease_ms
        granted = self._store.acquire(worker_id, token=token, now_ms=asked_at, until_ms=until_ms)
        if granted is None:
            return False
        self._check_clock(asked_at, granted)
        self._minter = Minter(
            worker_id, floor_ms=granted.floor_ms, until_ms=until_ms, now_ms=self._now_ms
        )
        self._token = token
        self._renew_from_ms = until_ms - self._lease_ms // 2
        return True

    def _check_clock(self, asked_at: int, granted: Granted) -> None:
        """Give the lease up, unused, if this clock and the table's differ by more than 5 s.

        Equal numbers are impossible even so. But a clock that is ahead would take leases that
        end in the future, and one that is behind would count on from the floor. The pause keeps
        a container with such a clock from spoiling one worker id after another.
        """
        heard_at = self._now_ms()
        if granted.server_ms is None:
            return
        behind_ms = granted.server_ms - max(asked_at, heard_at)
        ahead_ms = min(asked_at, heard_at) - (granted.server_ms + _DATE_STEP_MS)
        if max(behind_ms, ahead_ms) > MAX_CLOCK_ERROR_MS:
            self._minter = None
            self._paused_until = Deadline.after(self._pause_seconds)
            self._report("WorkerLeaseClockWrong")
            raise _unavailable(
                f"the clock is {behind_ms} ms behind or {ahead_ms} ms ahead", self._pause_seconds
            )

    def _now_ms(self) -> int:
        return to_millis(self._clock.now())


def _unavailable(why: str, for_seconds: float = _RETRY_AFTER_SECONDS) -> Unavailable:
    return Unavailable(
        detail=f"no worker lease: {why}", retry_after_seconds=max(1, math.ceil(for_seconds))
    )
