"""The platform as a whole: who the merchant is, and the parts that share its state."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from chalicelib.clock import Clock, SystemClock
from infra.local.wechat import news
from infra.local.wechat.bill import Bills
from infra.local.wechat.faults import Faults
from infra.local.wechat.ledger import Ledger, Trade
from infra.local.wechat.merchant import Merchant
from infra.local.wechat.notify import REAL_DELAYS_SECONDS, Notifier
from infra.local.wechat.oauth_codes import OAuthCodes
from infra.local.wechat.payers import Payers
from infra.local.wechat.refund_outcomes import Outcome, Outcomes
from infra.local.wechat.refunds import Refund, Refunds
from infra.local.wechat.signature import Keys
from infra.local.wechat.visits import Visits

DUE_CHECK_SECONDS = 0.2


@dataclass(slots=True)
class Platform:
    """One WeChat and its WeChat Pay, for one merchant. Nothing of it survives the process.

    ``usual_refund`` is what becomes of a refund when nothing else was ordered.
    """

    merchant: Merchant
    keys: Keys
    notify_delays_seconds: tuple[float, ...] = REAL_DELAYS_SECONDS
    usual_refund: Outcome = field(default_factory=Outcome)
    clock: Clock = field(default_factory=SystemClock)
    faults: Faults = field(default_factory=Faults)
    payers: Payers = field(default_factory=Payers)
    outcomes: Outcomes = field(init=False)
    notifier: Notifier = field(init=False)
    ledger: Ledger = field(init=False)
    refunds: Refunds = field(init=False)
    oauth_codes: OAuthCodes = field(init=False)
    visits: Visits = field(init=False)
    bills: Bills = field(init=False)
    _stopped: threading.Event = field(init=False, default_factory=threading.Event)
    _due: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self.outcomes = Outcomes(self.usual_refund)
        self.notifier = Notifier(
            self.keys,
            clock=self.clock,
            faults=self.faults,
            delays_seconds=self.notify_delays_seconds,
        )
        self.ledger = Ledger(self.clock, self._announce_payment)
        self.refunds = Refunds(self.clock, self.ledger, self.outcomes, self._announce_refund)
        self.oauth_codes = OAuthCodes(self.clock)
        self.visits = Visits(self.clock)
        self.bills = Bills(self.clock)
        self._due = threading.Thread(target=self._do_what_is_due, name="wechat-due", daemon=True)
        self._due.start()

    def wait(self, seconds: float) -> None:
        """Let time pass, but not beyond the end of the platform."""
        self._stopped.wait(seconds)

    def stop(self) -> None:
        """End all its threads."""
        self._stopped.set()
        self._due.join()
        self.notifier.stop()

    def _announce_payment(self, trade: Trade) -> None:
        self.notifier.announce(
            "TRANSACTION.SUCCESS",
            trade.order.out_trade_no,
            trade.order.notify_url,
            news.transaction(trade, self.merchant),
        )

    def _announce_refund(self, refund: Refund) -> None:
        self.notifier.announce(
            f"REFUND.{refund.status.value}",
            refund.trade.order.out_trade_no,
            refund.request.notify_url,
            news.refund_news(refund, self.merchant),
        )

    def _do_what_is_due(self) -> None:
        while not self._stopped.wait(DUE_CHECK_SECONDS):
            self.ledger.close_expired()
            self.refunds.end_due()
