"""Offers and trades of the platform, and when they change.

An *offer* is what a ``wap.pay`` request asks for. It becomes a *trade* only when the payer logs in
(https://developer.aliyun.com/article/710933): before that nothing can be queried or closed, and the
signed form stays payable until its ``time_expire``. Who has logged in by then may complete the
payment a moment later.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chalicelib.clock import BEIJING, Clock
from infra.local.alipay.refunds import Refunded, RefundOrder, refunded
from infra.local.alipay.refusal import Refusal, business
from infra.local.alipay.trade import Offer, Trade, TradeStatus

PAYMENT_GRACE = timedelta(seconds=60)
"""How long after ``time_expire`` a payer who is at the cashier already can still pay."""


@dataclass(frozen=True, slots=True)
class Cashier:
    """One payer's visit to the cashier page."""

    offer: Offer
    is_logged_in: bool = False


class Ledger:
    """Keeps them all, behind one lock; what it hands out never changes.

    ``announce`` is told of each trade that was paid, closed, refunded or finished, after the
    change; it may not wait. ``grace`` is how long a payment may be late.
    """

    def __init__(
        self, clock: Clock, announce: Callable[[Trade], None], grace: timedelta = PAYMENT_GRACE
    ) -> None:
        self._clock = clock
        self._announce = announce
        self._grace = grace
        self._lock = threading.RLock()
        self._cashiers: dict[str, Cashier] = {}
        self._offers: dict[str, Offer] = {}
        self._trades: dict[str, Trade] = {}

    def open_cashier(self, offer: Offer) -> str:
        """The id of a new cashier page for ``offer``.

        Raises
        ------
        Refusal
            The offer has expired, or its number is taken by a trade that is over or differs.
        """
        with self._lock:
            self.close_expired()
            self._check_payable(offer)
            cashier_id = secrets.token_urlsafe(16)
            self._cashiers[cashier_id] = Cashier(offer)
            self._offers[offer.out_trade_no] = offer
            return cashier_id

    def cashier(self, cashier_id: str) -> Cashier | None:
        """One visit."""
        with self._lock:
            return self._cashiers.get(cashier_id)

    def latest_offer(self, out_trade_no: str) -> Offer | None:
        """The offer of a number that was opened last."""
        with self._lock:
            return self._offers.get(out_trade_no)

    def log_in(self, offer: Offer, cashier_id: str | None = None) -> Trade:
        """The payer logs in: from now on the trade exists.

        Raises
        ------
        Refusal
            As `open_cashier`: time goes on, and another visit may have taken the number.
        """
        with self._lock:
            self.close_expired()
            self._check_payable(offer)
            now = self._clock.now()
            trade = self._trades.get(offer.out_trade_no) or Trade(
                offer=offer,
                trade_no=_new_trade_no(now),
                status=TradeStatus.WAIT_BUYER_PAY,
                gmt_create=now,
            )
            self._trades[offer.out_trade_no] = trade
            if cashier_id is not None:
                self._cashiers[cashier_id] = Cashier(offer, is_logged_in=True)
            return trade

    def pay(self, out_trade_no: str) -> Trade:
        """The payer pays the whole amount, once.

        Raises
        ------
        Refusal
            There is no such trade, or it does not wait for payment.
        """
        with self._lock:
            trade = self.existing("", out_trade_no)
            if trade.status is not TradeStatus.WAIT_BUYER_PAY:
                raise _over(trade)
            return self._changed(
                replace(trade, status=TradeStatus.TRADE_SUCCESS, gmt_payment=self._clock.now())
            )

    def close(self, trade_no: str, out_trade_no: str) -> Trade:
        """Close an unpaid trade; nobody can pay it any more.

        Raises
        ------
        Refusal
            There is no such trade, or it does not wait for payment.
        """
        with self._lock:
            trade = self.existing(trade_no, out_trade_no)
            if trade.status is not TradeStatus.WAIT_BUYER_PAY:
                raise business("TRADE_STATUS_ERROR", "交易状态不合法")
            return self._closed(trade)

    def refund(self, trade_no: str, out_trade_no: str, order: RefundOrder) -> Refunded:
        """Give money back; idempotent by the number of ``order``.

        Raises
        ------
        Refusal
            There is no such trade, or as `refunded`.
        """
        with self._lock:
            trade = self.existing(trade_no, out_trade_no)
            outcome = refunded(trade, order, self._clock.now())
            if outcome.moved:
                self._changed(outcome.trade)
            return outcome

    def finish(self, out_trade_no: str) -> Trade:
        """End the time in which a paid trade can be refunded.

        Raises
        ------
        Refusal
            There is no such trade, or it is not a paid one.
        """
        with self._lock:
            trade = self.existing("", out_trade_no)
            if trade.status is not TradeStatus.TRADE_SUCCESS:
                raise business("TRADE_STATUS_ERROR", "交易状态不合法")
            now = self._clock.now()
            return self._changed(replace(trade, status=TradeStatus.TRADE_FINISHED, gmt_close=now))

    def existing(self, trade_no: str, out_trade_no: str) -> Trade:
        """One trade, as `find`.

        Raises
        ------
        Refusal
            ``ACQ.TRADE_NOT_EXIST``: nobody has logged in for it yet.
        """
        trade = self.find(trade_no, out_trade_no)
        if trade is None:
            raise business("TRADE_NOT_EXIST", "交易不存在")
        return trade

    def find(self, trade_no: str, out_trade_no: str) -> Trade | None:
        """One trade; ``trade_no`` counts when both are given."""
        with self._lock:
            self.close_expired()
            if trade_no:
                return next((t for t in self._trades.values() if t.trade_no == trade_no), None)
            return self._trades.get(out_trade_no)

    def trades(self) -> list[Trade]:
        """All of them, oldest first."""
        with self._lock:
            self.close_expired()
            return list(self._trades.values())

    def close_expired(self) -> None:
        """Close what nobody paid in time."""
        with self._lock:
            now = self._clock.now()
            for trade in list(self._trades.values()):
                is_late = now >= trade.expires_at + self._grace
                if trade.status is TradeStatus.WAIT_BUYER_PAY and is_late:
                    self._closed(trade)

    def _check_payable(self, offer: Offer) -> None:
        if offer.time_expire is not None and self._clock.now() >= offer.time_expire:
            raise business("TRADE_HAS_CLOSE", "订单已超时，不能付款")
        trade = self._trades.get(offer.out_trade_no)
        if trade is None:
            return
        if trade.status is not TradeStatus.WAIT_BUYER_PAY:
            raise _over(trade)
        if trade.offer != offer:
            raise business("CONTEXT_INCONSISTENT", "交易信息被篡改，请更换商家订单号后重新发起请求")

    def _closed(self, trade: Trade) -> Trade:
        return self._changed(
            replace(trade, status=TradeStatus.TRADE_CLOSED, gmt_close=self._clock.now())
        )

    def _changed(self, trade: Trade) -> Trade:
        self._trades[trade.offer.out_trade_no] = trade
        self._announce(trade)
        return trade


def _over(trade: Trade) -> Refusal:
    if trade.status is TradeStatus.TRADE_CLOSED:
        return business("TRADE_HAS_CLOSE", "交易已经关闭")
    return business("TRADE_HAS_SUCCESS", "交易已被支付")


def _new_trade_no(now: datetime) -> str:
    """28 digits that begin with the Beijing day, as the real ones do."""
    return f"{now.astimezone(BEIJING):%Y%m%d}22001{secrets.randbelow(10**15):015d}"
