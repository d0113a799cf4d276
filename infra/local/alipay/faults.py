"""Faults that a test orders in advance; each happens a stated number of times, then never again."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Literal

import msgspec

NOTIFY = "notify"
Deed = Literal[
    "delay",
    "change",
    "corrupt_signature",
    "drop",
    "duplicate",
    "http_500",
    "html",
    "unsigned",
    "system_error",
]
_ANYWHERE = frozenset({"delay", "corrupt_signature", "change"})
NOTIFY_DEEDS = _ANYWHERE | {"drop", "duplicate"}
ANSWER_DEEDS = _ANYWHERE | {"http_500", "html", "unsigned", "system_error"}


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One order.

    ``on`` is ``notify`` or a method such as ``alipay.trade.query``; ``out_trade_no`` narrows it to
    one trade. What ``do`` means:

    - ``delay``: wait ``seconds`` first
    - ``change``: put ``fields`` over the true ones (null takes one away), then sign properly
    - ``corrupt_signature``: a signature of something else
    - ``drop`` (notify): this attempt never reaches the merchant
    - ``duplicate`` (notify): the same body ``copies`` times more
    - ``http_500``, ``html`` (answer): the method is carried out, but its answer is lost
    - ``unsigned`` (answer): without ``sign``
    - ``system_error`` (answer): code 20000, and the method is not carried out
    """

    on: str
    do: Deed
    times: int = 1
    out_trade_no: str | None = None
    seconds: float = 0.0
    copies: int = 1
    fields: dict[str, str | None] = {}

    def __post_init__(self) -> None:
        allowed = NOTIFY_DEEDS if self.on == NOTIFY else ANSWER_DEEDS
        if self.do not in allowed:
            raise ValueError(f"{self.do} cannot happen on {self.on}")

    def changed(self, fields: Mapping[str, str]) -> dict[str, str]:
        """``fields`` with this fault's own over them."""
        over = {**fields, **self.fields}
        return {name: value for name, value in over.items() if value is not None}


class Faults:
    """The orders that are still open."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Order one more; orders for the same place happen one after the other."""
        with self._lock:
            self._open.append(fault)

    def take(self, on: str, out_trade_no: str) -> Fault | None:
        """The fault that happens here and now."""
        with self._lock:
            for index, fault in enumerate(self._open):
                if fault.on == on and fault.out_trade_no in (None, out_trade_no):
                    rest = msgspec.structs.replace(fault, times=fault.times - 1)
                    self._open[index : index + 1] = [rest] if rest.times > 0 else []
                    return fault
            return None

    def pending(self) -> list[Fault]:
        """What has not happened yet."""
        with self._lock:
            return list(self._open)

    def clear(self) -> None:
        """Forget them all."""
        with self._lock:
            self._open.clear()
