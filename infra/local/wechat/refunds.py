"""Refunds of the platform, and the rules by which they are taken and end.

A refund is accepted first (PROCESSING) and ends later: SUCCESS, CLOSED or ABNORMAL. The rules are
those of https://pay.weixin.qq.com/doc/v3/merchant/4012556457: at most 50 for one trade, a minute
between two, within 365 days of the payment, never more than was paid. A refund that was closed
gives its money back to the trade; its number stays used up.
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
from infra.local.wechat.ledger import PAID, Ledger, Trade
from infra.local.wechat.refund_outcomes import Outcomes, RefundStatus
from infra.local.wechat.refusal import Refusal, against_rules

MAX_REFUNDS = 50
MIN_INTERVAL = timedelta(minutes=1)
MAX_AGE = timedelta(days=365)


class RefundOrigin(StrEnum):
    """Who asked for it."""

    API = "API"
    PORTAL = "PORTAL"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRequest:
    """What a merchant asks for. ``parameters`` is the whole request, to compare."""

    out_refund_no: str
    refund: Fen
    reason: str | None
    notify_url: str
    parameters: Mapping[str, Any]
    origin: RefundOrigin = RefundOrigin.API


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """An accepted refund. ``due_at`` is when it ends by itself as ``outcome``; None: when told."""

    request: RefundRequest
    refund_id: str
    trade: Trade
    created_at: datetime
    due_at: datetime | None
    outcome: RefundStatus
    status: RefundStatus = RefundStatus.PROCESSING
    success_time: datetime | None = None


class Refunds:
    """Keeps them all, behind one lock; what it hands out never changes.

    ``announce`` is told of each refund that ended, after the change; it may not wait.
    """

    def __init__(
        self,
        clock: Clock,
        ledger: Ledger,
        outcomes: Outcomes,
        announce: Callable[[Refund], None],
    ) -> None:
        self._clock = clock
        self._ledger = ledger
        self._outcomes = outcomes
        self._announce = announce
        self._lock = threading.RLock()
        self._refunds: dict[str, Refund] = {}

    def accept(self, request: RefundRequest, trade: Trade) -> Refund:
        """Take a refund; the same request again gives the refund as it is now.

        Raises
        ------
        Refusal
            The trade is not paid, or a rule above forbids the refund.
        """
        with self._lock:
            self.end_due()
            known = self._refunds.get(request.out_refund_no)
            if known is not None:
                if known.request.parameters != request.parameters:
                    raise against_rules("订单金额或退款金额与之前请求不一致，请核实后再试")
                return known
            now = self._clock.now()
            self._check(request, trade, now)
            return self._added(request, trade, now)

    def find(self, out_refund_no: str) -> Refund | None:
        """One refund."""
        with self._lock:
            self.end_due()
            return self._refunds.get(out_refund_no)

    def of_trade(self, out_trade_no: str) -> list[Refund]:
        """All refunds of a trade, oldest first."""
        with self._lock:
            self.end_due()
            return self._of_trade(out_trade_no)

    def all(self) -> list[Refund]:
        """Every refund, oldest first."""
        with self._lock:
            self.end_due()
            return list(self._refunds.values())

    def end(self, out_refund_no: str, status: RefundStatus) -> Refund | None:
        """End a refund now. None: there is no such refund that is still PROCESSING."""
        with self._lock:
            self.end_due()
            refund = self._refunds.get(out_refund_no)
            if refund is None or refund.status is not RefundStatus.PROCESSING:
                return None
            return self._ended(refund, status)

    def end_due(self) -> None:
        """End what is due."""
        with self._lock:
            now = self._clock.now()
            for refund in list(self._refunds.values()):
                is_open = refund.status is RefundStatus.PROCESSING
                if is_open and refund.due_at is not None and now >= refund.due_at:
                    self._ended(refund, refund.outcome)

    def _check(self, request: RefundRequest, trade: Trade, now: datetime) -> None:
        if trade.state not in PAID or trade.paid_at is None:
            raise against_rules("订单未支付，不能退款")
        if now > trade.paid_at + MAX_AGE:
            raise against_rules("订单已经超过退款期限")
        earlier = self._of_trade(trade.order.out_trade_no)
        given = sum(r.request.refund for r in earlier if r.status is not RefundStatus.CLOSED)
        if given == trade.order.total:
            raise against_rules("订单已全额退款")
        if given + request.refund > trade.order.total:
            raise against_rules("退款金额大于可退金额")
        if request.origin is RefundOrigin.PORTAL:
            return
        if len(earlier) >= MAX_REFUNDS:
            raise against_rules(f"一笔订单最多支持 {MAX_REFUNDS} 次退款")
        if earlier and now < earlier[-1].created_at + MIN_INTERVAL:
            raise Refusal(429, "FREQUENCY_LIMITED", "同一笔订单多次退款的请求需相隔 1 分钟")

    def _added(self, request: RefundRequest, trade: Trade, now: datetime) -> Refund:
        plan = self._outcomes.take(trade.order.out_trade_no)
        if plan.outcome == "NOT_ENOUGH":
            raise Refusal(403, "NOT_ENOUGH", "基本账户余额不足，请充值后重新发起")
        told = plan.outcome == "PROCESSING"
        refund = Refund(
            request=request,
            refund_id=_new_refund_id(now),
            trade=trade,
            created_at=now,
            due_at=None if told else now + timedelta(seconds=plan.after_seconds),
            outcome=RefundStatus(plan.outcome),
        )
        self._refunds[request.out_refund_no] = refund
        self._ledger.mark_refunded(trade.order.out_trade_no)
        return refund

    def _ended(self, refund: Refund, status: RefundStatus) -> Refund:
        at = self._clock.now() if status is RefundStatus.SUCCESS else None
        ended = replace(refund, status=status, success_time=at)
        self._refunds[refund.request.out_refund_no] = ended
        self._announce(ended)
        return ended

    def _of_trade(self, out_trade_no: str) -> list[Refund]:
        return [r for r in self._refunds.values() if r.trade.order.out_trade_no == out_trade_no]


def _new_refund_id(now: datetime) -> str:
    """29 digits with the Beijing day in the middle, as the real ones have it."""
    return f"50301{secrets.randbelow(10**6):06d}{now.astimezone(BEIJING):%Y%m%d}" + (
        f"{secrets.randbelow(10**10):010d}"
    )
