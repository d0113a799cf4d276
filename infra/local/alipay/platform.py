"""The platform as a whole: who the merchant is, and the parts that share its state."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from chalicelib.clock import Clock, SystemClock
from infra.local.alipay.faults import Faults
from infra.local.alipay.ledger import Ledger
from infra.local.alipay.notify import REAL_DELAYS_SECONDS, Notifier
from infra.local.alipay.signature import Keys

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
    """One Alipay, for one merchant. Nothing of it survives the process."""

    merchant: Merchant
    keys: Keys
    notify_delays_seconds: tuple[float, ...] = REAL_DELAYS_SECONDS
    clock: Clock = field(default_factory=SystemClock)
    faults: Faults = field(default_factory=Faults)
    notifier: Notifier = field(init=False)
    ledger: Ledger = field(init=False)
    _stopped: threading.Event = field(init=False, default_factory=threading.Event)
    _expiry: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self.notifier = Notifier(
            self.merchant.app_id,
            self.merchant.seller_id,
            self.merchant.email,
            key=self.keys.platform,
            clock=self.clock,
            faults=self.faults,
            delays_seconds=self.notify_delays_seconds,
        )
        self.ledger = Ledger(self.clock, self.notifier.announce)
        self._expiry = threading.Thread(
            target=self._close_expired_trades, name="alipay-expiry", daemon=True
        )
        self._expiry.start()

    def wait(self, seconds: float) -> None:
        """Let time pass, but not beyond the end of the platform."""
        self._stopped.wait(seconds)

    def stop(self) -> None:
        """End all its threads."""
        self._stopped.set()
        self._expiry.join()
        self.notifier.stop()

    def _close_expired_trades(self) -> None:
        while not self._stopped.wait(EXPIRY_CHECK_SECONDS):
            self.ledger.close_expired()
