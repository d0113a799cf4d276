"""Faults that a test orders in advance; each happens a stated number of times, then never again."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

NOTIFY = "notify"
REFUND_NOTIFY = "refund_notify"
ACCESS_TOKEN = "access_token"
Deed = Literal[
    "delay",
    "change",
    "corrupt_signature",
    "signtest",
    "corrupt_ciphertext",
    "drop",
    "duplicate",
    "reorder",
    "slow",
    "http_500",
    "html",
    "lost",
    "unsigned",
    "system_error",
]
_SIGNED = frozenset({"delay", "change", "corrupt_signature", "signtest", "unsigned"})
_ANSWER = frozenset({"delay", "slow", "http_500", "html", "lost", "system_error"})
NOTIFY_DEEDS = _SIGNED | {"corrupt_ciphertext", "drop", "duplicate", "reorder"}
API_DEEDS = _SIGNED | _ANSWER
DEEDS: Mapping[str, frozenset[str]] = {
    NOTIFY: NOTIFY_DEEDS,
    REFUND_NOTIFY: NOTIFY_DEEDS,
    ACCESS_TOKEN: _ANSWER,
    "prepay": API_DEEDS,
    "query": API_DEEDS,
    "close": API_DEEDS,
    "refund": API_DEEDS,
    "query_refund": API_DEEDS,
    "tradebill": API_DEEDS,
    "billdownload": _ANSWER,
}


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One order.

    ``on`` is ``notify``, ``refund_notify``, ``access_token`` or a call: ``prepay``, ``query``,
    ``close``, ``refund``, ``query_refund``, ``tradebill``, ``billdownload``. ``out_trade_no``
    narrows it to one trade. What ``do`` means:

    - ``delay``: wait ``seconds`` first
    - ``change``: put ``fields`` over the true ones (null takes one away), then sign properly
    - ``corrupt_signature``: a signature of something else
    - ``signtest``: the signature of a probe (``WECHATPAY/SIGNTEST/…``)
    - ``unsigned``: no ``Wechatpay-…`` headers at all
    - ``corrupt_ciphertext`` (notify): properly signed, and cannot be decrypted
    - ``drop`` (notify): this attempt never reaches the merchant
    - ``duplicate`` (notify): the same bytes ``copies`` times more
    - ``reorder`` (notify): not before another notification has been sent
    - ``slow`` (answer): carried out at once, answered after ``seconds``
    - ``http_500``, ``html`` (answer): carried out, but the answer is another one
    - ``lost`` (answer): carried out, and the connection ends without an answer
    - ``system_error`` (answer): 500 SYSTEM_ERROR, and not carried out
    """

    on: str
    do: Deed
    times: int = 1
    out_trade_no: str | None = None
    seconds: float = 0.0
    copies: int = 1
    fields: dict[str, Any] = {}

    def __post_init__(self) -> None:
        if self.do not in DEEDS.get(self.on, ()):
            raise ValueError(f"{self.do} cannot happen on {self.on}")

    def changed(self, fields: Mapping[str, Any]) -> dict[str, Any]:
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
