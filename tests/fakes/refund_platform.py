"""A payment platform that really keeps the money: what went back is what it paid back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from chalicelib.deadline import Deadline
from chalicelib.errors import ChannelUnavailable
from chalicelib.money import Fen
from chalicelib.orders.model import PayRecord, Refund
from chalicelib.orders.verdict import (
    Paid,
    RefundAccepted,
    RefundDone,
    RefundNotThere,
    RefundRefused,
    RefundUnknown,
    RefundVerdict,
    Verdict,
)
from tests.fakes.clock import FakeClock


@dataclass
class Made:
    """A refund that the platform has."""

    amount_fen: int
    verdict: RefundVerdict


@dataclass
class RefundPlatform:
    """Refunds of one payment; of `PaymentChannel` what the way back needs.

    ``is_wechat``: a refund is accepted first and finished later, two of them lie a minute apart,
    and a query does not tell how much is back. Otherwise it is as Alipay is.
    """

    clock: FakeClock
    is_wechat: bool = False
    paid: Paid | None = None
    made: dict[str, Made] = field(default_factory=dict)
    portal_fen: int = 0
    last_made_at: datetime | None = None
    broken_rules: list[str] = field(default_factory=list)
    """What the platform's manual forbids, and it was asked all the same."""
    calls: list[str] = field(default_factory=list)

    loses_requests: int = 0
    """So many of the next refund requests never arrive."""
    loses_answers: int = 0
    """So many of the next refunds are made, and nobody hears of it."""
    refuses: RefundRefused | None = None
    is_silent: bool = False
    at_call: Callable[[], None] = lambda: None

    @property
    def back_fen(self) -> int:
        """All that is with the payer again."""
        ours = (m.amount_fen for m in self.made.values() if isinstance(m.verdict, RefundDone))
        return self.portal_fen + sum(ours)

    @property
    def taken_fen(self) -> int:
        """What is back or on its way."""
        live = (RefundDone, RefundAccepted)
        ours = (m.amount_fen for m in self.made.values() if isinstance(m.verdict, live))
        return self.portal_fen + sum(ours)

    def query(self, record: PayRecord, deadline: Deadline) -> Verdict:
        self.calls.append("query")
        self.at_call()
        if self.is_silent:
            raise ChannelUnavailable
        assert self.paid is not None
        if self.is_wechat:
            return replace(self.paid, has_refunds=bool(self.made or self.portal_fen))
        return replace(self.paid, back_fen=Fen(self.back_fen))

    def refund(self, record: PayRecord, refund: Refund, deadline: Deadline) -> RefundVerdict:
        self.calls.append(f"refund {refund.channel_refund_no}")
        if self.is_silent or self.loses_requests > 0:
            self.loses_requests -= 1
            self.at_call()
            return RefundUnknown("time-out")
        verdict = self._refund(refund)
        self.at_call()
        if self.loses_answers > 0:
            self.loses_answers -= 1
            return RefundUnknown("time-out")
        return verdict

    def _refund(self, refund: Refund) -> RefundVerdict:
        assert self.paid is not None
        number, now = refund.channel_refund_no, self.clock.now()
        known = self.made.get(number)
        if known is not None:
            if known.amount_fen != refund.amount_fen:
                self.broken_rules.append("another amount under the same number")
                return RefundRefused("PARAM_ERROR", is_final=True)
            return known.verdict
        if self.refuses is not None:
            return self.refuses
        if self.taken_fen + refund.amount_fen > self.paid.amount_fen:
            return RefundRefused("NOT_ENOUGH_LEFT", is_final=True)
        if self.is_wechat and self._is_too_soon(now):
            self.broken_rules.append("two refunds within a minute")
            return RefundRefused("FREQUENCY_LIMITED", is_final=False)
        self.last_made_at = now
        done = RefundDone(amount_fen=refund.amount_fen, refunded_at=now)
        verdict = RefundAccepted() if self.is_wechat else done
        self.made[number] = Made(refund.amount_fen, verdict)
        return verdict

    def _is_too_soon(self, now: datetime) -> bool:
        return self.last_made_at is not None and now - self.last_made_at < timedelta(minutes=1)

    def query_refund(self, record: PayRecord, refund: Refund, deadline: Deadline) -> RefundVerdict:
        self.calls.append(f"query {refund.channel_refund_no}")
        self.at_call()
        if self.is_silent:
            return RefundUnknown("time-out")
        known = self.made.get(refund.channel_refund_no)
        return known.verdict if known is not None else RefundNotThere()

    def finish(self, number: str, verdict: RefundVerdict | None = None) -> None:
        """What WeChat accepted is done now, or ends as ``verdict`` says."""
        made = self.made[number]
        done = RefundDone(amount_fen=Fen(made.amount_fen), refunded_at=self.clock.now())
        made.verdict = verdict or done

    def pay_back_in_portal(self, fen: int) -> bool:
        """A refund in the merchant portal; the platform lets nobody take more than was paid."""
        assert self.paid is not None
        if self.taken_fen + fen > self.paid.amount_fen:
            return False
        self.portal_fen += fen
        return True
