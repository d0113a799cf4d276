"""Offers and trades of the platform, and the rules by which they change.

An *offer* is what a ``wap.pay`` request asks for. It becomes a *trade* only when the payer logs in
(https://developer.aliyun.com/article/710933): before that nothing can be queried or closed, and the
signed form stays payable until its ``time_expire``.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from chalicelib.clock import BEIJING, Clock
from infra.local.alipay.refusal import Refusal, business

DEFAULT_LIFETIME = timedelta(days=15)


class TradeStatus(StrEnum):
    """The state of a trade (交易状态)."""

    WAIT_BUYER_PAY = "WAIT_BUYER_PAY"
    TRADE_SUCCESS = "TRADE_SUCCESS"
    TRADE_FINISHED = "TRADE_FINISHED"
    TRADE_CLOSED = "TRADE_CLOSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One signed ``wap.pay`` request. ``total_amount`` is yuan with two decimals."""

    out_trade_no: str
    total_amount: str
    subject: str
    body: str | None
    passback_params: str | None
    time_expire: datetime | None
    quit_url: str
    notify_url: str
    return_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """An offer that a payer took up."""

    offer: Offer
    trade_no: str
    status: TradeStatus
    gmt_create: datetime
    gmt_payment: datetime | None = None
    gmt_close: datetime | None = None

    @property
    def expires_at(self) -> datetime:
        """When the platform closes it if nobody paid."""
        return self.offer.time_expire or self.gmt_create + DEFAULT_LIFETIME


@dataclass(frozen=True, slots=True)
class Cashier:
    """One payer's visit to the cashier page."""

    offer: Offer
    is_logged_in: bool = False


class Ledger:
    """Keeps them all, behind one lock; what it hands out never changes.

    ``announce`` is told of each trade that was paid or closed, after the change; it may not wait.
    """

    def __init__(self, clock: Clock, announce: Callable[[Trade], None]) -> None:
        self._clock = clock
        self._announce = announce
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
            As `open_cashier`: another visit may have taken the number meanwhile.
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
            self.close_expired()
            trade = self._trades.get(out_trade_no)
            if trade is None:
                raise business("TRADE_NOT_EXIST", "交易不存在")
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
            trade = self.find(trade_no, out_trade_no)
            if trade is None:
                raise business("TRADE_NOT_EXIST", "交易不存在")
            if trade.status is not TradeStatus.WAIT_BUYER_PAY:
                raise business("TRADE_STATUS_ERROR", "交易状态不合法")
            return self._closed(trade)

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
                if trade.status is TradeStatus.WAIT_BUYER_PAY and now >= trade.expires_at:
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
