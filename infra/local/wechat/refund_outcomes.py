"""What becomes of the next refunds, as a test ordered it in advance."""

from __future__ import annotations

import threading
from enum import StrEnum
from typing import Literal

import msgspec


class RefundStatus(StrEnum):
    """The state of a refund (退款状态)."""

    PROCESSING = "PROCESSING"
    SUCCESS = "SUCCESS"
    CLOSED = "CLOSED"
    ABNORMAL = "ABNORMAL"


class Outcome(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a refund ends, ``after_seconds`` of the platform's clock after it was accepted.

    ``PROCESSING`` ends when told. ``NOT_ENOUGH`` is not accepted at all: the merchant's balance is
    too small. ``out_trade_no`` narrows the order to one trade; it holds ``times`` times.
    """

    outcome: Literal["SUCCESS", "CLOSED", "ABNORMAL", "PROCESSING", "NOT_ENOUGH"] = "SUCCESS"
    after_seconds: float = 0.0
    times: int = 1
    out_trade_no: str | None = None


class Outcomes:
    """The orders that are still open; ``usual`` holds when there is none."""

    def __init__(self, usual: Outcome) -> None:
        self._usual = usual
        self._lock = threading.Lock()
        self._open: list[Outcome] = []

    def add(self, outcome: Outcome) -> None:
        """Order one more; they happen one after the other."""
        with self._lock:
            self._open.append(outcome)

    def take(self, out_trade_no: str) -> Outcome:
        """What becomes of a refund that is accepted now."""
        with self._lock:
            for index, order in enumerate(self._open):
                if order.out_trade_no in (None, out_trade_no):
                    rest = msgspec.structs.replace(order, times=order.times - 1)
                    self._open[index : index + 1] = [rest] if rest.times > 0 else []
                    return order
            return self._usual

    def clear(self) -> None:
        """Forget them all."""
        with self._lock:
            self._open.clear()
