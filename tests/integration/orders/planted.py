"""Mistakes that somebody might make one day, each put into an otherwise right order service.

Most come in through a part that the shop is given. Where the decision has no such seam, a module's
attribute is replaced for the while.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from chalicelib.money import Fen
from chalicelib.orders import settle, withdrawal
from chalicelib.orders.alipay.sdk import AlipaySdk
from chalicelib.orders.attempts import closed_there
from chalicelib.orders.model import PayRecord, SurplusReason
from chalicelib.orders.ports import Change
from chalicelib.orders.refunds import desk
from chalicelib.orders.settle import Case
from chalicelib.orders.verdict import (
    CloseAnswer,
    ClosedThere,
    NothingToClose,
    Paid,
)
from tests.integration.orders.platforms import Platforms
from tests.integration.orders.shop import Tables


class _Broken:
    """A real part but for what a subclass does instead."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class _WithoutGuard(_Broken):
    def commit(self, change: Change) -> None:
        self._real.commit(replace(change, take_guard=None))


class _WithoutMessages(_Broken):
    def commit(self, change: Change) -> None:
        self._real.commit(replace(change, messages=()))


class _NotThereIsClosed(_Broken):
    def close(self, *asked: Any) -> CloseAnswer:
        answer: CloseAnswer = self._real.close(*asked)
        return ClosedThere() if isinstance(answer, NothingToClose) else answer


def _any_amount(case: Case, paid: Paid) -> SurplusReason | None:
    return _WHY(case, replace(paid, amount_fen=case.record.amount_fen))


_WHY = settle._why_it_buys_nothing


def _left_beside_what_is_back(record: PayRecord) -> Fen:
    return Fen((record.paid_fen or 0) - record.refunded_fen)


Parts = Callable[[Tables, Platforms], dict[str, Any]]
Patch = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True)
class Mistake:
    """One condition less. ``shows_as`` is what the state machine says of it."""

    name: str
    shows_as: str
    parts: Parts = field(default=lambda _tables, _platforms: {})
    patch: Patch = field(default=lambda _: None)


def _with_store(broken: type[_Broken]) -> Parts:
    return lambda tables, _: {"store": broken(tables.orders)}


def _with_channels(broken: type[_Broken]) -> Parts:
    return lambda _, platforms: {
        "channels": {channel: broken(real) for channel, real in platforms.channels.items()}
    }


MISTAKES = (
    Mistake("the guard is not taken", "two orders for one thing", _with_store(_WithoutGuard)),
    Mistake("the message is not stored", "messages: ", _with_store(_WithoutMessages)),
    Mistake(
        "what does not exist there is closed", "is not watched", _with_channels(_NotThereIsClosed)
    ),
    Mistake(
        "the amount is not compared",
        "bought for 1 fen",
        patch=lambda patch: patch.setattr(settle, "_why_it_buys_nothing", _any_amount),
    ),
    Mistake(
        "what is replaced is not watched",
        "is not watched",
        patch=lambda patch: patch.setattr(withdrawal, "withdrawn", closed_there),
    ),
    Mistake(
        "what is on its way back can be asked for again",
        "more reserved than paid",
        patch=lambda patch: patch.setattr(desk, "left_to_refund", _left_beside_what_is_back),
    ),
    Mistake(
        "a notification is believed without its signature",
        "a forgery ",
        patch=lambda patch: patch.setattr(AlipaySdk, "signed", lambda *_, **__: True),
    ),
)
