"""A WeChat moved by a clock and delivered by hand: no thread runs, nothing happens by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from chalicelib.clock import Clock
from infra.local.wechat import envelope
from infra.local.wechat.bill import Bills
from infra.local.wechat.faults import Faults
from infra.local.wechat.ledger import Ledger
from infra.local.wechat.notify import REAL_DELAYS_SECONDS
from infra.local.wechat.oauth_codes import OAuthCodes
from infra.local.wechat.payers import Payers
from infra.local.wechat.platform import Platform
from infra.local.wechat.refund_outcomes import Outcomes
from infra.local.wechat.refunds import Refunds
from infra.local.wechat.signature import Keys
from infra.local.wechat.visits import Visits


@dataclass(frozen=True, slots=True)
class WeChatLetter:
    """One attempt of a notification, encrypted and signed at the moment it was taken."""

    headers: dict[str, str]
    body: bytes
    out_trade_no: str
    _record: Callable[[int], None] = field(repr=False, compare=False)

    def answered(self, status: int) -> None:
        """200 and 204 end the attempts of this notification."""
        self._record(status)


@dataclass(slots=True)
class _Waiting:
    letter: envelope.Letter
    out_trade_no: str
    due_at: datetime
    attempts_made: int = 0


class HandNotifier:
    """Keeps what is to be sent until somebody asks for it."""

    def __init__(self, keys: Keys, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock
        self._queue: list[_Waiting] = []
        self._numbers = 0

    def announce(
        self, event_type: str, out_trade_no: str, url: str, resource: Mapping[str, Any]
    ) -> None:
        if url:
            letter = self.letter(event_type, resource)
            self._queue.append(_Waiting(letter, out_trade_no, self._clock.now()))

    def letter(self, event_type: str, resource: Mapping[str, Any]) -> envelope.Letter:
        """News of now, with an id of its own."""
        self._numbers += 1
        return envelope.Letter(
            notify_id=f"EV-{self._numbers:032d}",
            created_at=self._clock.now(),
            event_type=event_type,
            resource=resource,
        )

    def sealed(self, letter: envelope.Letter) -> tuple[dict[str, str], bytes]:
        """Headers and body of an attempt that is made now."""
        body = envelope.body_of(letter, self._keys)
        return envelope.signed_headers(body, self._keys, self._clock.now()), body

    def next_due_at(self) -> datetime | None:
        return min((waiting.due_at for waiting in self._queue), default=None)

    def take_due(self) -> list[WeChatLetter]:
        """What is to be sent by now, the longest due first; each attempt is handed out once."""
        now = self._clock.now()
        due = sorted((w for w in self._queue if w.due_at <= now), key=lambda w: w.due_at)
        return [self._taken(waiting, now) for waiting in due]

    def _taken(self, waiting: _Waiting, now: datetime) -> WeChatLetter:
        if waiting.attempts_made < len(REAL_DELAYS_SECONDS):
            pause = REAL_DELAYS_SECONDS[waiting.attempts_made]
            waiting.due_at, waiting.attempts_made = (
                now + timedelta(seconds=pause),
                waiting.attempts_made + 1,
            )
        else:
            self._queue.remove(waiting)

        def record(status: int) -> None:
            if status in (200, 204) and waiting in self._queue:
                self._queue.remove(waiting)

        headers, body = self.sealed(waiting.letter)
        return WeChatLetter(headers, body, waiting.out_trade_no, record)


class WeChatByHand(Platform):
    """The platform of the local stack without its threads."""

    def __post_init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Forget everything: the platform of another test."""
        self.faults = Faults()
        self.payers = Payers()
        self.outcomes = Outcomes(self.usual_refund)
        self.notifier = HandNotifier(self.keys, self.clock)  # type: ignore[assignment]
        self.ledger = Ledger(self.clock, self._announce_payment)
        self.refunds = Refunds(self.clock, self.ledger, self.outcomes, self._announce_refund)
        self.oauth_codes = OAuthCodes(self.clock)
        self.visits = Visits(self.clock)
        self.bills = Bills(self.clock)

    @property
    def by_hand(self) -> HandNotifier:
        assert isinstance(self.notifier, HandNotifier)
        return self.notifier

    def due_notifications(self) -> list[WeChatLetter]:
        """What is to be delivered by now, each attempt once."""
        self.refunds.end_due()
        return self.by_hand.take_due()

    def stop(self) -> None:
        """Nothing runs."""
