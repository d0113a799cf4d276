"""Results of payments: what a platform says, by notify or when asked, is settled here."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from chalicelib.clock import Clock
from chalicelib.deadline import Deadline
from chalicelib.errors import (
    AppError,
    ChannelError,
    NotFound,
    NotifyRejected,
    NotifyUnusable,
    StaleWrite,
)
from chalicelib.optimistic import until_written
from chalicelib.orders.attempts import is_undecided
from chalicelib.orders.evidence import Evidence
from chalicelib.orders.grant_schedule import AuditSchedule, to_be_audited
from chalicelib.orders.model import Order, OrderStatus, PayChannel, PayNo, PayRecord
from chalicelib.orders.platform import Channels, Notify, RefundNotice, platform_of
from chalicelib.orders.ports import OrderStore, Report
from chalicelib.orders.settle import Case, settle
from chalicelib.orders.verdict import (
    AlreadySettled,
    Contradiction,
    Paid,
    RefundSeen,
    Settled,
    Settlement,
    Surplus,
    Unknown,
    Verdict,
)


class HearsOfRefunds(Protocol):
    """Settles what a notification tells of a refund."""

    def told(self, pay_no: PayNo, notice: RefundNotice) -> Settlement:
        """Settle ``notice``; safe to repeat."""
        ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an order stands, and one of its attempts."""

    order: Order
    record: PayRecord


class PaymentResults:
    """Hears and asks the platforms; every verdict ends in the one right state."""

    def __init__(
        self,
        *,
        store: OrderStore,
        channels: Channels,
        refunds: HearsOfRefunds,
        clock: Clock,
        report: Report,
        query_interval: timedelta,
        audits: AuditSchedule | None = None,
    ) -> None:
        self._store = store
        self._channels = channels
        self._refunds = refunds
        self._clock = clock
        self._report = report
        self._query_interval = query_interval
        self._audits = audits or AuditSchedule()
        self._evidence = Evidence(store, clock)

    def receive_notify(
        self, channel: PayChannel, headers: Mapping[str, str], raw_body: bytes
    ) -> Settlement:
        """Verify a notification and settle its verdict; safe to repeat, makes no outbound call.

        Returns normally exactly when the platform shall stop sending it.

        Raises
        ------
        NotifyRejected
            Not verified, or for another app or merchant. Nothing changed but the notify log.
        NotifyUnusable
            Verified and ours, but the attempt is unknown or a field is missing: the platform
            shall send it again, and somebody is alarmed.
        StaleWrite, Unavailable
            Our storage failed: the platform shall send it again.
        """
        try:
            notify = self._channels[channel]().parse_notify(headers, raw_body)
            self._recognise(channel, notify)
            if isinstance(notify.tells, RefundNotice):
                settlement = self._refunds.told(notify.pay_no, notify.tells)
            else:
                settlement = self._settle(notify.pay_no, notify.tells)
        except NotifyRejected as error:
            self._report("NotifiesRejected")
            self._keep_sample(channel, error, raw_body)
            raise
        except (NotifyUnusable, StaleWrite) as error:
            self._report("NotifiesUnusable")
            self._evidence.of_unplaced(channel, error, raw_body)
            raise
        self._evidence.of_settled(channel, notify, settlement, raw_body)
        return settlement

    def _keep_sample(self, channel: PayChannel, error: NotifyRejected, raw_body: bytes) -> None:
        """A sample that cannot be kept is no reason to ask for a forgery once more."""
        try:
            self._evidence.of_rejected(channel, error, raw_body)
        except AppError:
            self._report("EvidenceLost")

    def _recognise(self, channel: PayChannel, notify: Notify) -> None:
        """The notification must be about an attempt as we opened it: platform, app, merchant."""
        record = self._store.pay_record(notify.pay_no)
        if record is None or record.channel is not channel:
            raise NotifyUnusable(detail=f"no {channel.name} attempt {notify.pay_no}")
        app_id = record.app_id if notify.app_id is None else notify.app_id
        if (app_id, notify.merchant_id) != (record.app_id, record.merchant_id):
            raise NotifyRejected(detail=f"attempt {notify.pay_no} is of another app or merchant")

    def stored(self, pay_no: PayNo) -> Outcome:
        """What we know by ourselves; asks nobody.

        Raises
        ------
        NotFound
            There is no such attempt.
        """
        record = self._store.pay_record(pay_no)
        order = self._store.order(record.order_id) if record is not None else None
        if record is None or order is None:
            raise NotFound("支付记录不存在", detail=f"pay_no {pay_no}")
        return Outcome(order, record)

    def outcome(self, pay_no: PayNo, deadline: Deadline) -> Outcome:
        """How the order of an attempt stands; asks the platform when that is not known yet.

        At most one question per attempt and query interval, whoever asks; none for an attempt
        that was never opened. A platform that does not answer leaves the stored state.

        Raises
        ------
        NotFound
            There is no such attempt.
        """
        found = self.stored(pay_no)
        asked = [record for record in self._attempts(found) if self._worth_asking(found, record)]
        for record in asked:
            try:
                self.ask(record, deadline)
            except ChannelError:
                self._report("QueryUnanswered")
        return self.stored(pay_no) if asked else found

    def _attempts(self, found: Outcome) -> tuple[PayRecord, ...]:
        """The named attempt, and the one on offer: an old link opens that one."""
        order, named = found.order, found.record
        if order.status is not OrderStatus.UNPAID or order.live_pay_no == named.pay_no:
            return (named,)
        live = self._store.pay_record(order.live_pay_no)
        return (named,) if live is None else (named, live)

    def ask(self, record: PayRecord, deadline: Deadline) -> Verdict:
        """Query the platform about an opened attempt and settle what it says.

        Raises
        ------
        ChannelError
            There is no answer that can be trusted; nothing changed.
        """
        verdict = platform_of(self._channels, record).query(record, deadline)
        self._settle(record.pay_no, verdict)
        return verdict

    def _worth_asking(self, found: Outcome, record: PayRecord) -> bool:
        if record.opened_at is None or not is_undecided(record):
            return False
        if found.order.status is OrderStatus.REFUNDED:
            return False
        now = self._clock.now()
        if record.still_payable_until is not None and now > record.still_payable_until:
            return False
        return self._store.claim_query(record.pay_no, now, now - self._query_interval)

    def _settle(self, pay_no: PayNo, verdict: Verdict) -> Settlement:
        write_id = secrets.token_hex(8)
        settlement = until_written(lambda: self._settle_once(pay_no, verdict, write_id))
        self._tell(settlement, verdict)
        return settlement

    def _settle_once(self, pay_no: PayNo, verdict: Verdict, write_id: str) -> Settlement:
        found = self.stored(pay_no)
        order, record = found.order, found.record
        live = record
        if order.live_pay_no != record.pay_no:
            live = self._store.pay_record(order.live_pay_no) or record
        case = Case(
            order=order,
            item=self._store.items(order.order_id)[0],
            record=record,
            live=live,
            refunds=self._store.refunds(record.refund_nos),
            guarded_by=self._store.guarded_order_id(order.out_business_id),
        )
        now = self._clock.now()
        settlement, change = settle(case, verdict, now, write_id)
        if change is not None:
            self._store.commit(to_be_audited(change, self._audits, now))
        return settlement

    def _tell(self, settlement: Settlement, verdict: Verdict) -> None:
        if isinstance(verdict, Paid) and verdict.has_refunds:
            # how much went back is known by our own refunds, or by the platform's bill alone
            self._report("RefundsToCheck")
        match settlement, verdict:
            case Settled(), _:
                self._report("OrdersPaid")
            case Surplus() | AlreadySettled(still_owed=True), _:
                # counted again with each repeat: the first count may have died with its container
                self._report("RefundsOwed")
            case RefundSeen(), _:
                self._report("RefundsSeen")
            case Contradiction(), _:
                self._report("ContradictingVerdicts")
            case _, Unknown():
                self._report("UnknownVerdicts")
            case _:
                pass
