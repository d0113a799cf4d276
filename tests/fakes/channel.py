"""A payment platform in memory that says what a test tells it to say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TypeVar

from chalicelib.deadline import Deadline
from chalicelib.orders.model import PayNo, PayRecord, Refund
from chalicelib.orders.platform import Form, Notify, Opening, Payer, Presentation
from chalicelib.orders.verdict import (
    CloseAnswer,
    NothingToClose,
    RefundNotThere,
    RefundUnknown,
    RefundVerdict,
    Verdict,
)

_T = TypeVar("_T")


@dataclass
class FakeChannel:
    """A platform that says what a test tells it to say, and remembers that it was asked.

    ``prepay`` None makes it a platform without a call before its form, as Alipay is.
    """

    verdict: Verdict | Exception | None = None
    notify: Notify | Exception | None = None
    prepay: str | Exception | None = None
    close_answer: CloseAnswer | Exception = field(default_factory=NothingToClose)
    refund_answer: RefundVerdict = field(default_factory=lambda: RefundUnknown("not told"))
    refund_verdict: RefundVerdict = field(default_factory=RefundNotThere)
    asked: list[PayNo] = field(default_factory=list)
    frozen: list[PayNo] = field(default_factory=list)
    started: list[tuple[PayNo, str | None]] = field(default_factory=list)
    closed: list[PayNo] = field(default_factory=list)
    refunded: list[str] = field(default_factory=list)
    at_call: Callable[[], None] = lambda: None
    """Runs at each call to the platform: what happens elsewhere meanwhile."""

    def freeze(self, record: PayRecord, payer: Payer, now: datetime) -> Opening:
        self.frozen.append(record.pay_no)
        return Opening(
            app_id="app",
            merchant_id="seller",
            request=f"out_trade_no={record.pay_no}&at={now.timestamp()}",
        )

    def start(self, record: PayRecord, deadline: Deadline) -> str | None:
        self.started.append((record.pay_no, record.request))
        self.at_call()
        return _told(self.prepay)

    def is_fresh(self, record: PayRecord, now: datetime) -> bool:
        return self.prepay is None or record.prepay is not None

    def present(self, record: PayRecord, now: datetime) -> Presentation:
        return Form(action="https://platform.example/pay", fields=(("q", record.request or ""),))

    def query(self, record: PayRecord, deadline: Deadline) -> Verdict:
        self.asked.append(record.pay_no)
        self.at_call()
        verdict = _told(self.verdict)
        assert verdict is not None
        return verdict

    def close(self, record: PayRecord, deadline: Deadline) -> CloseAnswer:
        self.closed.append(record.pay_no)
        self.at_call()
        return _told(self.close_answer)

    def refund(self, record: PayRecord, refund: Refund, deadline: Deadline) -> RefundVerdict:
        self.refunded.append(refund.channel_refund_no)
        self.at_call()
        return self.refund_answer

    def query_refund(self, record: PayRecord, refund: Refund, deadline: Deadline) -> RefundVerdict:
        self.at_call()
        return self.refund_verdict

    def parse_notify(self, headers: Mapping[str, str], raw_body: bytes) -> Notify:
        notify = _told(self.notify)
        assert notify is not None
        return notify

    def download_bill(self, day: date, deadline: Deadline) -> bytes:
        raise NotImplementedError


def _told(thing: _T | Exception) -> _T:
    if isinstance(thing, Exception):
        raise thing
    return thing
