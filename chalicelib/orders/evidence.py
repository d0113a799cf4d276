"""The notify log: each notification as it came, and what became of it. Never part of a decision."""

from __future__ import annotations

import hashlib
import secrets

from chalicelib.clock import Clock
from chalicelib.errors import AppError, NotifyRejected
from chalicelib.orders.model import PayChannel, PayNo
from chalicelib.orders.platform import Notify
from chalicelib.orders.ports import NotifyEntry, OrderStore
from chalicelib.orders.verdict import (
    Contradiction,
    NothingToDo,
    RefundMoved,
    Settlement,
    Surplus,
)

_REJECTED_CHARACTERS = 4096
_OUTCOME_CHARACTERS = 500
_REJECTED_KEPT_PER_MINUTE = 60


class Evidence:
    """Writes the notify log.

    What a platform signed for us is kept whole, whether we could place it or not. Of what nobody
    signed a sample is kept, cut short: a flood of forgeries shall not become a flood of writes.
    """

    def __init__(self, store: OrderStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._minute = -1
        self._kept = 0

    def of_settled(
        self, channel: PayChannel, notify: Notify, settlement: Settlement, raw_body: bytes
    ) -> None:
        """Under the attempt's number; of a repeated notification the first outcome stays."""
        self._log(channel, notify.pay_no, notify.notify_id, _described(settlement), raw_body)

    def of_unplaced(self, channel: PayChannel, error: AppError, raw_body: bytes) -> None:
        """Verified and ours, but not settled: perhaps the only trace of a payment."""
        body_id = hashlib.sha256(raw_body).hexdigest()[:32]
        self._log(channel, None, body_id, f"{error.code}: {error.detail}", raw_body)

    def of_rejected(self, channel: PayChannel, error: NotifyRejected, raw_body: bytes) -> None:
        """Not verified: never under a number that it claims."""
        if self._room():
            self._log(
                channel,
                None,
                secrets.token_hex(16),
                f"{error.code}: {error.detail}",
                raw_body[:_REJECTED_CHARACTERS],
                verified=False,
            )

    def _log(
        self,
        channel: PayChannel,
        pay_no: PayNo | None,
        notify_id: str,
        outcome: str,
        body: bytes,
        *,
        verified: bool = True,
    ) -> None:
        self._store.log_notify(
            NotifyEntry(
                pay_no=pay_no,
                verified=verified,
                notify_id=notify_id,
                channel=channel,
                received_at=self._clock.now(),
                outcome=outcome[:_OUTCOME_CHARACTERS],
                body=body.decode("utf-8", "replace"),
            )
        )

    def _room(self) -> bool:
        minute = int(self._clock.now().timestamp()) // 60
        if minute != self._minute:
            self._minute, self._kept = minute, 0
        self._kept += 1
        return self._kept <= _REJECTED_KEPT_PER_MINUTE


def _described(settlement: Settlement) -> str:
    name = type(settlement).__name__
    match settlement:
        case Surplus(reason) | NothingToDo(reason) | Contradiction(reason) | RefundMoved(reason):
            return f"{name}: {reason}"
        case _:
            return name
