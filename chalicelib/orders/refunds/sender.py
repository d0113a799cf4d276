"""The job that pays back: each refund that is due is moved on by one step.

::

    owed ─ ask about the trade ─ mark as sent ─► ask for the refund ─► settle what it answers
            (paid? how much is       │
             back already?)          └─ killed here, or no answer: it is due again, as sent
    sent ─ ask about the refund ─► done, or never arrived: owed again, under the same number
    manual ─ ask about both, now and then: a person may have seen to it
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta

from chalicelib.clock import BEIJING, Clock
from chalicelib.deadline import Deadline
from chalicelib.errors import AppError, ChannelError, QuotaExhausted
from chalicelib.optimistic import until_written
from chalicelib.orders.model import PayChannel, PayRecord, Refund, RefundKind, RefundStatus
from chalicelib.orders.platform import Channels, PaymentChannel, platform_of
from chalicelib.orders.ports import AsksPlatforms, Change, OrderStore, QuotaTake, Report
from chalicelib.orders.refunds.desk import REMIND_AFTER
from chalicelib.orders.refunds.results import RefundSettling
from chalicelib.orders.refunds.settle import RefundPolicy, put_off
from chalicelib.orders.refunds.sums import OWED_STATES
from chalicelib.orders.silence import Silence
from chalicelib.orders.states import move_refund
from chalicelib.orders.verdict import Paid

_SECONDS_A_REFUND = 12
_LEAST_SECONDS = 13
_QUOTA_PAUSE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Sent:
    """What one run did: refunds looked at, and those that it could not move on."""

    looked_at: int
    failed: int


class RefundSender:
    """Moves refunds on; each by itself, so that one bad row stops no other.

    Idempotent, and safe to be killed anywhere or to run twice at once: a refund goes out only
    after its mark, which is a conditional write, and under a number that the platform pays once.
    """

    def __init__(
        self,
        *,
        store: OrderStore,
        channels: Channels,
        results: AsksPlatforms,
        refunds: RefundSettling,
        clock: Clock,
        report: Report,
        policy: RefundPolicy,
        on_unforeseen: Callable[[str], None],
    ) -> None:
        self._store = store
        self._channels = channels
        self._results = results
        self._refunds = refunds
        self._clock = clock
        self._report = report
        self._policy = policy
        self._on_unforeseen = on_unforeseen

    def run(self, deadline: Deadline) -> Sent:
        """Move on the refunds whose time has come, the longest due first, until ``deadline``.

        A refund that it did not get to is due at the next run.
        """
        due = self._store.due_refunds(self._clock.now(), self._policy.most_at_once)
        looked_at = failed = 0
        silence = Silence()
        for number in due:
            if deadline.remaining_seconds() < _LEAST_SECONDS:
                break
            looked_at += 1
            failed += not self._move_on_safely(number, silence, deadline)
        return Sent(looked_at, failed)

    def _move_on_safely(self, number: str, silence: Silence, deadline: Deadline) -> bool:
        channel: PayChannel | None = None
        try:
            refund = self._store.refund(number)
            if refund is None or not _is_due(refund, self._clock.now()):
                return True  # the index lags behind
            if refund.status in OWED_STATES:
                self._report("RefundsOwed")
            record = self._record(refund)
            channel = record.channel
            if not silence.of(channel):
                self._move_on(refund, record, Deadline.after(deadline.cut(_SECONDS_A_REFUND)))
                return True
            self._report("RefundsRetried")
        except ChannelError as error:
            silence.note(channel, error)
            self._report("RefundsRetried")
        except AppError:
            self._on_unforeseen(number)
            self._report("RefundsFailed")
        except Exception:  # noqa: BLE001  the refunds after it shall be moved on as well
            self._on_unforeseen(number)
            self._report("RefundsFailed")
        self._put_off_safely(number)
        return False

    def _put_off_safely(self, number: str) -> None:
        """Later: what cannot be moved on now shall not stand in front of the others."""
        try:
            self._put_off(number)
        except AppError:
            self._report("RefundsFailed")
        except Exception:  # noqa: BLE001  as above
            self._on_unforeseen(number)
            self._report("RefundsFailed")

    def _put_off(self, number: str) -> None:
        refund, now = self._store.refund(number), self._clock.now()
        if refund is not None and _is_due(refund, now):
            self._write(put_off(refund, now, self._policy))

    def _move_on(self, refund: Refund, record: PayRecord, deadline: Deadline) -> None:
        if refund.status is RefundStatus.AWAITING_APPROVAL:
            self._report("RefundsAwaitingApproval")
            later = self._clock.now() + REMIND_AFTER
            self._write(replace(refund, next_try_at=later))
            return
        channel = platform_of(self._channels, record)
        match refund.status:
            case RefundStatus.OWED:
                self._send(refund, record, channel, deadline)
            case RefundStatus.SENT:
                self._ask(refund, record, channel, deadline)
            case RefundStatus.MANUAL:
                self._report("RefundsManual")
                # by its own number first: else its money would look like the portal's
                self._ask(refund, record, channel, deadline)
                self._results.ask(record, deadline)
            case _:
                raise AssertionError(f"{refund.out_refund_no} is {refund.status} and due")

    def _ask(
        self, refund: Refund, record: PayRecord, channel: PaymentChannel, deadline: Deadline
    ) -> None:
        self._refunds.settle(refund, channel.query_refund(record, refund, deadline))

    def _send(
        self, refund: Refund, record: PayRecord, channel: PaymentChannel, deadline: Deadline
    ) -> None:
        """Ask first: a refund made in the merchant portal takes from what we owe, or all of it."""
        verdict = self._results.ask(record, deadline)
        if not isinstance(verdict, Paid):
            self._report("RefundsRetried")
            self._put_off(refund.out_refund_no)
            return
        if (verdict.channel_trade_no, verdict.amount_fen) != (
            record.channel_trade_no,
            record.paid_fen,
        ):
            self._report("ContradictingVerdicts")
            self._put_off(refund.out_refund_no)
            return
        write_id = secrets.token_hex(8)
        sent = until_written(lambda: self._mark(refund.out_refund_no, write_id))
        if sent is not None:
            self._refunds.settle(sent, channel.refund(record, sent, deadline))

    def _mark(self, number: str, write_id: str) -> Refund | None:
        """Write that the refund goes out now; None when it does not.

        Who wrote it may call the platform, with exactly what it wrote.
        """
        refund, now = self._store.refund(number), self._clock.now()
        if refund is None or refund.status is not RefundStatus.OWED or not _is_due(refund, now):
            return None
        record = self._record(refund)
        waits_until = self._waits_until(record, now)
        if waits_until is not None:
            self._write(replace(refund, next_try_at=waits_until))
            return None
        sent = replace(
            move_refund(put_off(refund, now, self._policy), RefundStatus.SENT), sent_at=now
        )
        change = Change(
            write_id=write_id,
            pay_records=(replace(record, refund_sent_at=now),),
            refunds=(sent,),
            take_quota=self._quota(refund, now),
        )
        try:
            self._store.commit(change)
        except QuotaExhausted:
            self._report("AutomaticRefundsHeld")
            pause_ends = min(now + _QUOTA_PAUSE, _next_midnight(now))
            self._write(replace(refund, next_try_at=pause_ends))
            return None
        return sent

    def _waits_until(self, record: PayRecord, now: datetime) -> datetime | None:
        """Until when nothing more of this payment may be sent; None: it may."""
        if record.channel is PayChannel.WECHAT and record.refund_sent_at is not None:
            free_at = record.refund_sent_at + timedelta(seconds=self._policy.least_gap_seconds)
            if now < free_at:
                return free_at
        if record.told_back_fen > record.refunded_fen:
            # money went back that a refund at the platform may account for, or the portal
            return now + timedelta(seconds=self._policy.retry_seconds[0])
        return None

    def _quota(self, refund: Refund, now: datetime) -> QuotaTake | None:
        """What nobody asked for is limited by day; sent again, it does not count again."""
        if refund.kind is not RefundKind.AUTOMATIC or refund.sent_at is not None:
            return None
        return QuotaTake(
            day=now.astimezone(BEIJING).date(),
            amount_fen=refund.amount_fen,
            most_refunds=self._policy.daily_count,
            most_fen=self._policy.daily_fen,
        )

    def _write(self, refund: Refund) -> None:
        self._store.commit(Change(write_id=secrets.token_hex(8), refunds=(refund,)))

    def _record(self, refund: Refund) -> PayRecord:
        record = self._store.pay_record(refund.pay_no)
        assert record is not None, f"refund {refund.out_refund_no} lost its payment"
        return record


def _is_due(refund: Refund, now: datetime) -> bool:
    return refund.next_try_at is not None and refund.next_try_at <= now


def _next_midnight(now: datetime) -> datetime:
    tomorrow = now.astimezone(BEIJING).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time(), BEIJING).astimezone(now.tzinfo)
