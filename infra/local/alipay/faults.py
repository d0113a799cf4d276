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
    "tamper",
    "corrupt_signature",
    "drop",
    "duplicate",
    "reorder",
    "slow",
    "lose",
    "http_500",
    "html",
    "unsigned",
    "system_error",
    "refuse",
    "pretend",
]
_ANYWHERE = frozenset({"delay", "corrupt_signature", "change", "tamper"})
NOTIFY_DEEDS = _ANYWHERE | {"drop", "duplicate", "reorder"}
ANSWER_DEEDS = _ANYWHERE | {
    "slow",
    "lose",
    "http_500",
    "html",
    "unsigned",
    "system_error",
    "refuse",
    "pretend",
}


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One order.

    ``on`` is ``notify`` or a method such as ``alipay.trade.query``; ``out_trade_no`` narrows it to
    one trade. What ``do`` means:

    Both:

    - ``delay``: wait ``seconds`` first
    - ``change``: put ``fields`` over the true ones (null takes one away), then sign properly
    - ``tamper``: put ``fields`` over the signed ones; the signature stays that of the true ones
    - ``corrupt_signature``: a signature of something else

    A notification:

    - ``drop``: this attempt never reaches the merchant
    - ``duplicate``: the same body ``copies`` times more
    - ``reorder``: this attempt waits until another notification of the trade was attempted

    An answer, and the method is carried out:

    - ``slow``: the answer comes ``seconds`` later
    - ``lose``: the connection ends without an answer
    - ``http_500``, ``html``: that is all the merchant sees
    - ``unsigned``: without ``sign``

    An answer, and the method is not carried out:

    - ``system_error``: code 20000
    - ``refuse``: code 40004 with ``sub_code``, such as ``ACQ.SELLER_BALANCE_NOT_ENOUGH``
    - ``pretend``: code 10000 with ``fields``
    """

    on: str
    do: Deed
    times: int = 1
    out_trade_no: str | None = None
    seconds: float = 0.0
    copies: int = 1
    sub_code: str = ""
    fields: dict[str, str | None] = {}

    def __post_init__(self) -> None:
        allowed = NOTIFY_DEEDS if self.on == NOTIFY else ANSWER_DEEDS
        if self.do not in allowed:
            raise ValueError(f"{self.do} cannot happen on {self.on}")
        if self.do == "refuse" and not self.sub_code:
            raise ValueError("refuse needs a sub_code")

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
