"""Settling a refund: from a platform's verdict to the one change that follows. No I/O.

The verdict of a notification, of the call that asked for the refund and of a later question go
the same way. Every change carries the pay record: its version is the lock of all its refunds, so
that their sums never come from two decisions that did not know of each other (I1).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chalicelib.money import Fen
from chalicelib.orders.model import Order, OrderItem, PayRecord, Refund, RefundStatus
from chalicelib.orders.ports import Change
from chalicelib.orders.refunds.money_back import consequences_of_any, external_refund, told_back
from chalicelib.orders.refunds.sums import counted, not_accepted
from chalicelib.orders.states import move_refund
from chalicelib.orders.verdict import (
    AlreadySettled,
    Contradiction,
    NothingToDo,
    RefundAbnormal,
    RefundAccepted,
    RefundClosed,
    RefundDone,
    RefundMoved,
    RefundNotThere,
    RefundRefused,
    RefundSeen,
    RefundUnknown,
    RefundVerdict,
    Settlement,
)

MOST_GENERATIONS = 3
"""A refund that the platform closed this often needs a person."""

_ANSWER_CHARACTERS = 200
_DAILY_FEN = Fen(1_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundPolicy:
    """How refunds are sent; settings, all but ``manual_every_seconds``.

    ``retry_seconds`` are the pauses after the first, second, ... try, the last for all that
    follow. ``least_gap_seconds`` lie between two refunds of one payment (WeChat wants a minute:
    https://pay.weixin.qq.com/doc/v3/merchant/4012556457). ``daily_count`` and ``daily_fen`` limit
    what goes out on a Beijing day without anybody having asked for it.
    """

    retry_seconds: tuple[int, ...] = (60, 120, 300, 900, 1_800, 3_600)
    least_gap_seconds: int = 65
    most_at_once: int = 100
    daily_count: int = 100
    daily_fen: Fen = _DAILY_FEN
    manual_every_seconds: int = 21_600
    """How often a refund that needs a person is asked about: it may have been seen to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundCase:
    """All that was read about one payment before deciding about one of its refunds.

    ``generation`` is the one that the verdict is about; the refund may have gone on to a later.
    """

    order: Order
    item: OrderItem
    record: PayRecord
    refunds: tuple[Refund, ...]
    """All refunds of the payment, this one too."""
    refund: Refund
    generation: int


def settle_refund(
    case: RefundCase, verdict: RefundVerdict, now: datetime, write_id: str, policy: RefundPolicy
) -> tuple[Settlement, Change | None]:
    """What a verdict means for a refund, and the change that makes it true.

    Deciding again after the change was written moves nothing but the time of the next try.
    """
    refund = case.refund
    unfit = _not_for_this_state(case, verdict)
    if unfit is not None:
        return unfit, None
    match verdict:
        case RefundDone():
            after = _done(refund, verdict)
        case RefundAccepted():
            after = _accepted(refund, now, policy)
        case RefundClosed():
            after = _closed(refund, now, policy)
        case RefundAbnormal(reason) | RefundRefused(reason, is_final=True):
            after = _needs_a_person(refund, reason, now, policy)
        case RefundRefused(reason):
            after = _back_to_owed(refund, reason, now, policy)
        case RefundNotThere():
            after = _back_to_owed(refund, "not there", now, policy)
        case RefundUnknown(reason):
            after = replace(put_off(refund, now, policy), last_answer=_short(reason))
    change = _change(case, after, now, write_id)
    if after.status is refund.status and after.accepted_at == refund.accepted_at:
        return NothingToDo(after.last_answer or "the refund is on its way"), change
    return RefundMoved(after.status), change


def settle_external(
    order: Order,
    item: OrderItem,
    record: PayRecord,
    refunds: tuple[Refund, ...],
    channel_refund_no: str,
    done: RefundDone,
    now: datetime,
    write_id: str,
) -> tuple[Settlement, Change | None]:
    """What a finished refund means that is none of ours. Idempotent by the platform's number."""
    after, rows = external_refund(
        record, refunds, channel_refund_no, done.amount_fen, done.refunded_at, now
    )
    if not rows:
        return AlreadySettled(), None
    if rows[0].amount_fen != done.amount_fen:
        return Contradiction(f"{record.pay_no} would be back more than it was paid"), None
    orders, messages = consequences_of_any(order, item, after, rows, now)
    change = Change(
        write_id=write_id, orders=orders, pay_records=(after,), refunds=rows, messages=messages
    )
    return RefundSeen(), change


def put_off(refund: Refund, now: datetime, policy: RefundPolicy) -> Refund:
    """The refund after one more try that decided nothing: again after a longer pause."""
    if refund.status is RefundStatus.MANUAL:
        return replace(refund, next_try_at=now + timedelta(seconds=policy.manual_every_seconds))
    pause = policy.retry_seconds[min(refund.tries, len(policy.retry_seconds) - 1)]
    return replace(refund, tries=refund.tries + 1, next_try_at=now + timedelta(seconds=pause))


def _not_for_this_state(case: RefundCase, verdict: RefundVerdict) -> Settlement | None:
    """What there is to say of a verdict that can move nothing any more."""
    refund, is_done = case.refund, isinstance(verdict, RefundDone)
    if isinstance(verdict, RefundDone) and verdict.amount_fen != refund.amount_fen:
        return Contradiction(
            f"{verdict.amount_fen} fen are back, {refund.amount_fen} were {refund.status}"
        )
    match refund.status:
        case RefundStatus.DONE:
            return AlreadySettled()
        case RefundStatus.RELEASED | RefundStatus.AWAITING_APPROVAL:
            never = f"the refund is {refund.status}"
            return Contradiction(never) if is_done else NothingToDo(never)
        case RefundStatus.SENT if is_done and case.generation < refund.generation:
            # its successor may be at the platform as well
            return Contradiction(f"generation {case.generation} was given up, and is back now")
        case _ if case.generation < refund.generation and not is_done:
            return NothingToDo(f"generation {case.generation} was given up")
        case _:
            return None


def _done(refund: Refund, done: RefundDone) -> Refund:
    return replace(
        move_refund(refund, RefundStatus.DONE),
        refunded_at=done.refunded_at,
        next_try_at=None,
        last_answer=None,
    )


def _accepted(refund: Refund, now: datetime, policy: RefundPolicy) -> Refund:
    after = replace(put_off(refund, now, policy), last_answer=None)
    if refund.status is RefundStatus.MANUAL:
        return after
    return replace(move_refund(after, RefundStatus.SENT), accepted_at=refund.accepted_at or now)


def _closed(refund: Refund, now: datetime, policy: RefundPolicy) -> Refund:
    if refund.status is RefundStatus.MANUAL or refund.generation >= MOST_GENERATIONS:
        return _needs_a_person(refund, "closed", now, policy)
    owed = _back_to_owed(refund, "closed", now, policy)
    return replace(owed, generation=refund.generation + 1)


def _back_to_owed(refund: Refund, answer: str, now: datetime, policy: RefundPolicy) -> Refund:
    after = replace(put_off(refund, now, policy), last_answer=_short(answer))
    if refund.status is RefundStatus.MANUAL:
        return after
    return not_accepted(move_refund(after, RefundStatus.OWED))


def _needs_a_person(refund: Refund, answer: str, now: datetime, policy: RefundPolicy) -> Refund:
    manual = replace(move_refund(refund, RefundStatus.MANUAL), last_answer=_short(answer))
    return put_off(manual, now, policy)


def _short(answer: str) -> str:
    return answer[:_ANSWER_CHARACTERS]


def _change(case: RefundCase, after: Refund, now: datetime, write_id: str) -> Change:
    rows = tuple(after if row.out_refund_no == after.out_refund_no else row for row in case.refunds)
    record, more = told_back(counted(case.record, rows), rows, case.record.told_back_fen, now)
    changed = {row.out_refund_no: row for row in (after, *more)}
    orders, messages = consequences_of_any(
        case.order, case.item, record, tuple(changed.values()), now
    )
    return Change(
        write_id=write_id,
        orders=orders,
        pay_records=(record,),
        refunds=tuple(changed.values()),
        messages=messages,
    )
