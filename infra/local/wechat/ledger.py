"""Trades of the platform, and the rules by which they change.

A trade exists from its first prepay request on. Trade type, payer and every other parameter belong
to its ``out_trade_no``: the same request again gives a fresh ``prepay_id``, any other is refused
(https://www.daxiao.show/blog/technology/other/189-880.html). A closed number is used up.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from chalicelib.clock import BEIJING, Clock
from chalicelib.money import Fen
from infra.local.wechat.refusal import (
    Refusal,
    against_rules,
    number_used,
    order_closed,
    order_paid,
    order_unknown,
)

CODE_URL = "weixin://wxpay/bizpayurl?pr="
DEFAULT_LIFETIME = timedelta(days=7)
GRACE = timedelta(seconds=60)
"""``time_expire`` is not the moment at which the trade closes: a payment may still come that late
(https://pay.weixin.qq.com/doc/v3/merchant/4012791897)."""


class TradeState(StrEnum):
    """The state of a trade (交易状态)."""

    SUCCESS = "SUCCESS"
    REFUND = "REFUND"
    NOTPAY = "NOTPAY"
    CLOSED = "CLOSED"
    USERPAYING = "USERPAYING"
    PAYERROR = "PAYERROR"


PAID = frozenset({TradeState.SUCCESS, TradeState.REFUND})


class TradeType(StrEnum):
    """How the payer pays (交易类型); H5 is called MWEB in answers."""

    JSAPI = "JSAPI"
    H5 = "MWEB"
    NATIVE = "NATIVE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What one prepay request asks for. ``parameters`` is the whole request, to compare."""

    trade_type: TradeType
    out_trade_no: str
    description: str
    total: Fen
    time_expire: datetime | None
    attach: str | None
    notify_url: str
    openid: str | None
    parameters: Mapping[str, Any]

    def is_same_as(self, other: Order) -> bool:
        """Whether both are one request, whatever its bytes."""
        return (self.trade_type, self.parameters) == (other.trade_type, other.parameters)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepay:
    """What one prepay request got: how a payer comes to the trade."""

    prepay_id: str
    code: str
    """The end of a Native ``code_url``, or the ``package`` of an ``h5_url``."""
    order: Order
    made_at: datetime

    @property
    def code_url(self) -> str:
        """What the QR code of a Native trade says."""
        return CODE_URL + self.code


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """A trade of the merchant; ``transaction_id`` and payer are empty until it is paid."""

    order: Order
    state: TradeState
    created_at: datetime
    transaction_id: str = ""
    payer_openid: str = ""
    paid_at: datetime | None = None
    closed_at: datetime | None = None

    @property
    def payable_until(self) -> datetime:
        """When the platform closes it if nobody paid."""
        if self.order.time_expire is None:
            return self.created_at + DEFAULT_LIFETIME
        return self.order.time_expire + GRACE


class Ledger:
    """Keeps them all, behind one lock; what it hands out never changes.

    ``announce`` is told of each trade that was paid, after the change; it may not wait.
    """

    def __init__(self, clock: Clock, announce: Callable[[Trade], None]) -> None:
        self._clock = clock
        self._announce = announce
        self._lock = threading.RLock()
        self._trades: dict[str, Trade] = {}
        self._prepays: dict[str, Prepay] = {}

    def prepay(self, order: Order) -> Prepay:
        """A way to pay for ``order``.

        Raises
        ------
        Refusal
            The number belongs to a trade that is over, or that was ordered otherwise.
        """
        with self._lock:
            self.close_expired()
            now = self._clock.now()
            trade = self._trades.get(order.out_trade_no)
            if trade is not None:
                _check_open(trade)
                if not trade.order.is_same_as(order):
                    raise number_used()
            else:
                new = Trade(order=order, state=TradeState.NOTPAY, created_at=now)
                self._trades[order.out_trade_no] = new
            prepay = Prepay(
                prepay_id=f"wx{now.astimezone(BEIJING):%d%H%M%S}{secrets.token_hex(11)}0000",
                code=secrets.token_hex(6),
                order=order,
                made_at=now,
            )
            self._prepays[prepay.prepay_id] = prepay
            return prepay

    def find_prepay(self, *, prepay_id: str = "", code: str = "") -> Prepay | None:
        """What was handed out under this id, or under this code."""
        with self._lock:
            if prepay_id:
                return self._prepays.get(prepay_id)
            return next((p for p in self._prepays.values() if p.code == code), None)

    def pay(self, out_trade_no: str, openid: str) -> Trade:
        """The payer pays the whole amount, once.

        Raises
        ------
        Refusal
            There is no such trade, it is over, or it was ordered for another payer.
        """
        with self._lock:
            trade = self._known(out_trade_no)
            _check_open(trade)
            if trade.order.openid not in (None, openid):
                raise against_rules("下单账号与支付账号不一致")
            now = self._clock.now()
            paid = replace(
                trade,
                state=TradeState.SUCCESS,
                transaction_id=_new_transaction_id(now),
                payer_openid=openid,
                paid_at=now,
            )
            self._trades[out_trade_no] = paid
            self._announce(paid)
            return paid

    def close(self, out_trade_no: str) -> Trade:
        """Close an unpaid trade; nobody can pay it any more.

        Raises
        ------
        Refusal
            There is no such trade, or it is over.
        """
        with self._lock:
            trade = self._known(out_trade_no)
            _check_open(trade)
            return self._closed(trade)

    def set_unpaid_state(self, out_trade_no: str, state: TradeState) -> Trade:
        """Put an open trade into another state without payment.

        Raises
        ------
        Refusal
            There is no such trade, or it is over.
        ValueError
            The state is one of a paid trade.
        """
        if state in PAID:
            raise ValueError(f"{state} is reached by paying or refunding")
        if state is TradeState.CLOSED:
            return self.close(out_trade_no)
        with self._lock:
            trade = self._known(out_trade_no)
            _check_open(trade)
            self._trades[out_trade_no] = replace(trade, state=state)
            return self._trades[out_trade_no]

    def mark_refunded(self, out_trade_no: str) -> None:
        """Any refund, of a part too, turns the state to REFUND."""
        with self._lock:
            trade = self._trades[out_trade_no]
            self._trades[out_trade_no] = replace(trade, state=TradeState.REFUND)

    def find(self, out_trade_no: str) -> Trade | None:
        """One trade."""
        with self._lock:
            self.close_expired()
            return self._trades.get(out_trade_no)

    def find_paid(self, transaction_id: str) -> Trade | None:
        """The paid trade of that number of the platform."""
        with self._lock:
            paid = (t for t in self._trades.values() if t.state in PAID)
            return next((t for t in paid if t.transaction_id == transaction_id), None)

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
                is_open = trade.state not in PAID and trade.state is not TradeState.CLOSED
                if is_open and now > trade.payable_until:
                    self._closed(trade)

    def _known(self, out_trade_no: str) -> Trade:
        trade = self.find(out_trade_no)
        if trade is None:
            raise order_unknown()
        return trade

    def _closed(self, trade: Trade) -> Trade:
        closed = replace(trade, state=TradeState.CLOSED, closed_at=self._clock.now())
        self._trades[trade.order.out_trade_no] = closed
        return closed


def _check_open(trade: Trade) -> None:
    refusal: Refusal | None = None
    if trade.state in PAID:
        refusal = order_paid()
    elif trade.state is TradeState.CLOSED:
        refusal = order_closed()
    if refusal is not None:
        raise refusal


def _new_transaction_id(now: datetime) -> str:
    """28 digits with the Beijing day in the middle, as the real ones have it."""
    return f"42000{secrets.randbelow(10**5):05d}{now.astimezone(BEIJING):%Y%m%d}" + (
        f"{secrets.randbelow(10**10):010d}"
    )
