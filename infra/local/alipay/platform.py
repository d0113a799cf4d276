"""The platform as a whole: who the merchant is, and the parts that share its state."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import datetime

from chalicelib.clock import Clock, SystemClock
from infra.local.alipay.bill_counter import BillCounter
from infra.local.alipay.faults import Faults
from infra.local.alipay.ledger import Ledger
from infra.local.alipay.notification import NotifyWriter
from infra.local.alipay.notify import REAL_DELAYS_SECONDS, Notifier
from infra.local.alipay.notify_by_hand import HandNotifier, Letter
from infra.local.alipay.signature import Keys
from infra.local.alipay.trade import Trade

EXPIRY_CHECK_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Merchant:
    """The one merchant that this platform serves."""

    app_id: str
    seller_id: str
    name: str = "学成在线（测试商户）"
    email: str = "merchant@example.com"


@dataclass(slots=True)
class Platform:
    """One Alipay, for one merchant. Nothing of it survives the process.

    Parameters
    ----------
    notify_delays_seconds
        The waits between the attempts of one notification.
    notify_scale
        What they are multiplied by.
    notifies_full_refund
        Whether TRADE_CLOSED is notified after a full refund; merchants have seen both. May be
        changed at any time.
    notify_by_hand
        Nothing happens by itself: no thread runs, `wait` does not wait, notifications lie ready in
        `due_notifications`, and unpaid trades close when somebody looks.
    """

    merchant: Merchant
    keys: Keys
    notify_delays_seconds: tuple[float, ...] = REAL_DELAYS_SECONDS
    notify_scale: float = 1.0
    notifies_full_refund: bool = True
    notify_by_hand: bool = False
    clock: Clock = field(default_factory=SystemClock)
    faults: Faults = field(default_factory=Faults)
    notifier: Notifier = field(init=False)
    ledger: Ledger = field(init=False)
    bills: BillCounter = field(init=False)
    _stopped: threading.Event = field(init=False, default_factory=threading.Event)
    _expiry: threading.Thread | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        kind = HandNotifier if self.notify_by_hand else Notifier
        delays = tuple(seconds * self.notify_scale for seconds in self.notify_delays_seconds)
        self.notifier = kind(self._writer(), self.faults, delays)
        self.ledger = Ledger(self.clock, self._announce)
        self.bills = BillCounter(self.clock)
        if not self.notify_by_hand:
            self._expiry = threading.Thread(
                target=self._close_expired_trades, name="alipay-expiry", daemon=True
            )
            self._expiry.start()

    def wait(self, seconds: float) -> None:
        """Let time pass, but not beyond the end of the platform."""
        if not self.notify_by_hand:
            self._stopped.wait(seconds)

    def stop(self) -> None:
        """End all its threads."""
        self._stopped.set()
        if self._expiry is not None:
            self._expiry.join()
        self.notifier.stop()

    def due_notifications(self) -> list[Letter]:
        """What is to be delivered by now, each attempt once; for ``notify_by_hand`` alone."""
        self.ledger.close_expired()
        return self._by_hand.take_due()

    def next_notification_at(self) -> datetime | None:
        """When there will be a due notification again; for ``notify_by_hand`` alone."""
        return self._by_hand.next_due_at()

    @property
    def _by_hand(self) -> HandNotifier:
        if not isinstance(self.notifier, HandNotifier):
            raise TypeError("this platform delivers its notifications itself")
        return self.notifier

    def _writer(self) -> NotifyWriter:
        identity = {
            "app_id": self.merchant.app_id,
            "auth_app_id": self.merchant.app_id,
            "seller_id": self.merchant.seller_id,
            "seller_email": self.merchant.email,
        }
        return NotifyWriter(identity, self.keys.platform, self.clock)

    def _announce(self, trade: Trade) -> None:
        if self.notifies_full_refund or not trade.is_all_back:
            self.notifier.announce(trade)

    def _close_expired_trades(self) -> None:
        while not self._stopped.wait(EXPIRY_CHECK_SECONDS):
            self.ledger.close_expired()
